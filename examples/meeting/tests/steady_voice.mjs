/**
 * Gives a page a microphone into which somebody talks without end, in syllables: the beep of the
 * fake device, once in a while, is no speech to a detector of speakers. Runs in the page, before
 * its own scripts.
 */
export function steadyVoice() {
  const devices = navigator.mediaDevices;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    const stream = await original(wanted);
    if (!wanted?.audio) return stream;
    for (const track of stream.getAudioTracks()) {
      track.stop();
      stream.removeTrack(track);
    }
    const context = new AudioContext();
    const voice = new OscillatorNode(context, { type: 'sawtooth', frequency: 150 });
    const level = new GainNode(context, { gain: 0.25 });
    const syllables = new OscillatorNode(context, { frequency: 3 });
    const depth = new GainNode(context, { gain: 0.2 });
    const out = new MediaStreamAudioDestinationNode(context);
    voice.connect(level).connect(out);
    syllables.connect(depth).connect(level.gain);
    voice.start();
    syllables.start();
    void context.resume();
    for (const track of out.stream.getAudioTracks()) stream.addTrack(track);
    return stream;
  };
}
