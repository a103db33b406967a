import { Sfu } from 'plenum-sfu';

process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`));
const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
const room = await sfu.createRouter();
const one = await room.createDirectTransport();
const other = await room.createDirectTransport();
const closed = new Promise((resolve) => other.once('closed', resolve));
one.on('closed', () => {
  throw new Error('from a listener');
});
other.on('closed', () => console.log('second listener'));
await room.close();
await closed;
await sfu.close();
