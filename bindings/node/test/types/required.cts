// The same from CommonJS.
import plenum = require('plenum-sfu');

async function main(): Promise<void> {
  const sfu: plenum.Sfu = await plenum.Sfu.create({ listen: ['127.0.0.1:0'] });
  const capabilities: plenum.RtpCapabilities = plenum.supportedRtpCapabilities();
  await sfu.createRouter({ codecs: capabilities.codecs ?? [] });
  await sfu.close();
}

void main();
