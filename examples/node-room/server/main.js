// Starts the room server: HTTP for the page, a WebSocket for each person, and one worker for the media.
//
//   PORT           of HTTP (3000)
//   LISTEN_IP      address that media is received on (0.0.0.0)
//   ANNOUNCED_IP   what browsers are told instead, behind NAT
//   MEDIA_PORT     UDP and TCP port of all media (44444)
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { servePage } from './page.js';
import { Person } from './person.js';
import { Rooms } from './rooms.js';

const { PORT = '3000', LISTEN_IP = '0.0.0.0', ANNOUNCED_IP, MEDIA_PORT = '44444' } = process.env;

const rooms = await Rooms.open({ ip: LISTEN_IP, announcedAddress: ANNOUNCED_IP, port: Number(MEDIA_PORT) });
const http = createServer(servePage);
const sockets = new WebSocketServer({ server: http, path: '/signal', maxPayload: 1 << 20 });
sockets.on('connection', (socket) => new Person(socket, rooms));
http.listen(Number(PORT), () => console.log(`http://localhost:${http.address().port}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    rooms.close();
    for (const socket of sockets.clients) socket.terminate();
    http.close();
  });
}
