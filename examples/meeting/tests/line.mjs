// A participant's line to the server for pages and signalling, which a test can cut. Media does not pass it.
import { connect, createServer } from 'node:net';

export class Line {
  static async to(serverPort) {
    const line = new Line();
    line.sockets = new Set();
    line.broken = false;
    line.listener = createServer((near) => {
      if (line.broken) return near.destroy();
      const far = connect(serverPort, '127.0.0.1');
      for (const socket of [near, far]) {
        line.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          line.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise((resolve) => line.listener.listen(0, '127.0.0.1', resolve));
    line.port = line.listener.address().port;
    return line;
  }

  /** The same address, by way of this line. */
  through(url) {
    const address = new URL(url);
    address.port = this.port;
    return address.href;
  }

  cut() {
    this.broken = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.broken = false;
  }

  close() {
    this.cut();
    this.listener.close();
  }
}
