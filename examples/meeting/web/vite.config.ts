import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The server the development build talks to; `npm run demo` needs none.
const server = process.env['PLENUM_SERVER'] ?? 'http://127.0.0.1:8080';

export default defineConfig(({ mode }) => ({
  plugins: [
    svelte(),
    {
      name: 'plenum-demo',
      apply: 'serve',
      // The demo replaces the server by fake participants in the page itself.
      transformIndexHtml: () =>
        mode === 'demo'
          ? [{ tag: 'script', attrs: { type: 'module', src: '/dev/demo.ts' }, injectTo: 'head' }]
          : [],
    },
  ],
  build: {
    target: 'es2023',
    // `default-src 'self'` admits no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': { target: server, ws: true } },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
}));
