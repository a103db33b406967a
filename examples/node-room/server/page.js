// The page and its script.
import { readFile } from 'node:fs/promises';

const FILES = {
  '/': ['../web/index.html', 'text/html; charset=utf-8'],
  '/style.css': ['../web/style.css', 'text/css'],
  '/main.js': ['../dist/main.js', 'text/javascript'],
};

/** Answers one request. */
export async function servePage(request, response) {
  const file = FILES[new URL(request.url, 'http://localhost').pathname];
  if (!file) return response.writeHead(404).end('There is no such page.\n');
  const [path, type] = file;
  try {
    const content = await readFile(new URL(path, import.meta.url));
    return response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(content);
  } catch {
    return response.writeHead(500).end('The page is not built: npm run build\n');
  }
}
