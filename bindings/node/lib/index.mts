// The same module for `import`: one copy of the classes, however it is loaded.
export * from './index.js';
