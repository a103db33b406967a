// Beside the SFU: the emitter that all its objects are.

export { EnhancedEventEmitter, enhancedOnce } from './enhanced_events.js';
