// How the stream of a replication task travels: transport, the ports of SSH+NETCAT, compression, speed, retries.
import type { Level } from '../result';
import { flagOf, numberOf, textOf, wordOf, type Row } from './records';

const SIDES = { LOCAL: 'local', REMOTE: 'remote' } as const;
const COMPRESSION = { LZ4: 'lz4', PIGZ: 'pigz', PLZIP: 'xz' } as const;

export interface StreamContext {
  isNetcat: boolean;
  isPush: boolean;
  /** The TrueNAS is another machine than the one that runs Node-RED: so both sides are remote. */
  isRemote: boolean;
  say: (level: Level, message: string) => void;
}

/** Properties of `zfs-replicate`. Throws `Unusable`. */
export function streamOf(row: Row, context: StreamContext): Record<string, unknown> {
  const compression = wordOf<string>(row, 'compression', COMPRESSION, 'none');
  if (compression === 'xz') context.say('info', 'compression PLZIP is xz here: both sides need the program xz');
  const limit = numberOf(row, 'speed_limit');
  return {
    ...(context.isNetcat ? netcatOf(row, context) : { transport: 'auto' }),
    streamCompression: compression,
    speedLimit: limit === null || limit <= 0 ? '' : String(limit),
    largeBlocks: flagOf(row, 'large_block', true),
    embeddedBlocks: flagOf(row, 'embed'),
    compressedBlocks: flagOf(row, 'compressed', true),
    retries: numberOf(row, 'retries') ?? 5,
  };
}

function netcatOf(row: Row, { isPush, isRemote, say }: StreamContext): Record<string, unknown> {
  const hint = 'Use ssh+tls or ssh where others share the network';
  say('warn', `SSH+NETCAT: its data is not encrypted on the way, as before. ${hint}`);
  const told = wordOf<'local' | 'remote' | 'auto'>(row, 'netcat_active_side', SIDES, 'auto');
  let side: string = told;
  if (isRemote && told !== 'auto') {
    // `local` is the TrueNAS: where that is remote too, neither word says which.
    side = (told === 'local') === isPush ? 'source' : 'target';
    say(
      'info',
      `both sides are remote for this Node-RED: the side that listens, ${told} for the TrueNAS, is "${side}" here`,
    );
  }
  return {
    transport: 'ssh+netcat',
    netcatActiveSide: side,
    netcatListenAddress: textOf(row, 'netcat_active_side_listen_address'),
    netcatPortMin: numberOf(row, 'netcat_active_side_port_min') ?? '',
    netcatPortMax: numberOf(row, 'netcat_active_side_port_max') ?? '',
    netcatConnectAddress: textOf(row, 'netcat_passive_side_connect_address'),
  };
}
