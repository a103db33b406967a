// The same module for `import`: one copy of the classes, however it is loaded.
import * as mediasoup from './index.js';

export * from './index.js';
export default mediasoup;
