/** Two kinds of page, so the router is a path and a match. */

export type Route = { name: 'home' } | { name: 'meeting'; id: string } | { name: 'unknown' };

class Router {
  route: Route = $state(match(location.pathname));

  constructor() {
    window.addEventListener('popstate', () => {
      this.route = match(location.pathname);
    });
  }

  go(path: string): void {
    history.pushState(null, '', path);
    this.route = match(path);
    window.scrollTo(0, 0);
  }

  /** For plain clicks on a link of ours; the browser keeps new tabs and downloads. */
  follow = (event: MouseEvent): void => {
    const link = (event.currentTarget as HTMLAnchorElement).getAttribute('href');
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.go(link);
  };
}

export const router = new Router();

function match(path: string): Route {
  if (path === '/' || path === '') return { name: 'home' };
  const id = /^\/m\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path)?.[1];
  return id === undefined ? { name: 'unknown' } : { name: 'meeting', id };
}
