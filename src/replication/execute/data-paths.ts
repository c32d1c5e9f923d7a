// How the streams of a run travel: over SSH, or over TCP connections of their own, as `transport` says. What that takes on
// both machines is asked once; where `auto` found no way, it stays with SSH for an hour.
import { networkInterfaces } from 'node:os';
import { ZfsFlowError, type ErrorCode } from '../../base/errors';
import type { Host, HostFacts } from '../../host/host';
import { roundTrip } from '../../host/round-trip';
import { forgetTransportFacts, transportFacts, type TransportFacts } from '../../host/transport-facts';
import { bufferLimit, tlsPays, WORTH_BYTES, WORTH_RTT_MS, type Buffers } from '../../stream/wire/auto-rule';
import { planWire, type Wire, type WireSide, type WireTransport } from '../../stream/wire/wire-plan';
import type { Run } from '../setup/run';

/** So long `auto` does not try again what did not work. Milliseconds. */
const REMEMBERED_MS = 3_600_000;
/** Milliseconds; a way through a network seldom becomes another one. */
const RTT_LASTING_MS = 600_000;

/** Nothing could be carried: by these `auto` knows that a port is closed, or a program missing after all. */
const NO_WAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'HOST_UNREACHABLE',
  'HOST_NOT_FOUND',
  'AUTHENTICATION_FAILED',
  'COMMAND_NOT_FOUND',
  'UNSUPPORTED',
  'INVALID_OPTIONS',
]);

const noWay = new Map<string, number>();
const roundTrips = new WeakMap<Host, { asked: number; ms: Promise<number | null> }>();

type Ends = Pick<
  Run,
  'source' | 'target' | 'sourceFacts' | 'targetFacts' | 'options' | 'sameHost' | 'rateLimit' | 'ctx'
>;

/** Transport of a run, as far as it was asked for: not where both ends are one machine, nor under a limit that needs this one. */
export function askedTransport({ source, target, options, sameHost, rateLimit }: Ends): WireTransport | null {
  const { transport } = options;
  if (transport !== 'ssh+tls' && transport !== 'ssh+netcat') return null;
  if ((source.isLocal && target.isLocal) || sameHost) return null;
  const isRelay = !source.isLocal && !target.isLocal;
  return isRelay && rateLimit.limited ? null : transport;
}

export class DataPaths {
  private readonly planned = new Map<WireTransport, Promise<Wire>>();

  constructor(private readonly run: Ends) {}

  /**
   * How a stream of so many bytes goes; null = over SSH. Throws what keeps a transport that was asked for from working:
   * COMMAND_NOT_FOUND, UNSUPPORTED, INVALID_OPTIONS, the connection codes.
   */
  async wireFor(bytes: number): Promise<Wire | null> {
    const asked = askedTransport(this.run);
    if (asked !== null) return this.wire(asked);
    return (await this.isAutoTls(bytes)) ? this.wire('ssh+tls') : null;
  }

  /** Whether a stream that could not go the way of `auto` may go over SSH after all; remembers that it could not. */
  fellBack(error: ZfsFlowError): boolean {
    const { options, source, target } = this.run;
    forgetTransportFacts(source);
    forgetTransportFacts(target);
    this.planned.clear();
    if (options.transport !== 'auto' || !NO_WAY.has(error.code)) return false;
    noWay.set(pairOf(this.run), Date.now() + REMEMBERED_MS);
    return true;
  }

  /** What is to be said of the way before anything is sent; `bytes`: estimated, of the largest stream. Throws as `wireFor`. */
  async warnings(bytes: number): Promise<string[]> {
    const asked = askedTransport(this.run);
    if (asked === null) return this.hints(bytes, 'ssh');
    const wire = await this.wire(asked);
    const warnings: string[] = [];
    if (asked === 'ssh+netcat') {
      warnings.push(
        'ssh+netcat: the data travels unencrypted, and whoever is on the way can read and change it; for trusted networks only',
      );
    }
    const { target, ctx } = this.run;
    if (asked === 'ssh+tls' && wire.listen === 'source' && !target.isLocal) {
      const { openssl } = await transportFacts(target, ctx.signal);
      if (isSlowReader(openssl)) {
        warnings.push(
          `${target.label} receives through "openssl s_client" (${openssl}), which is slow before OpenSSL 3.5: let the target listen (netcatActiveSide)`,
        );
      }
    }
    return [...warnings, ...(await this.hints(bytes, asked))];
  }

  /** That TCP's buffers are the limit, and what to do about it. */
  private async hints(bytes: number, transport: WireTransport | 'ssh'): Promise<string[]> {
    const { source, target } = this.run;
    if (transport === 'ssh' && (bytes < WORTH_BYTES || !this.mayBeAuto())) return [];
    const [sourceFacts, targetFacts] = await this.facts();
    const rttMs = await this.rtt();
    if (rttMs === null || (transport === 'ssh' && rttMs < WORTH_RTT_MS)) return [];
    const limit = bufferLimit(buffersOf(sourceFacts, targetFacts), rttMs);
    if (!limit) return [];
    const [host, { tcp }] = limit.side === 'source' ? [source, sourceFacts] : [target, targetFacts];
    const sysctl = limit.side === 'source' ? tcp.sysctls.send : tcp.sysctls.receive;
    const other =
      limit.side === 'source'
        ? ([target, targetFacts.tcp.sysctls.receive] as const)
        : ([source, sourceFacts.tcp.sysctls.send] as const);
    const raise = `raise ${third(sysctl)} on ${host.label} and ${third(other[1])} on ${other[0].label} to ${limit.wanted}, for up to ${gain(limit.gain)} times as much on a gigabit`;
    const what = transport === 'ssh' ? 'with larger TCP buffers ssh+tls would be faster than ssh here' : 'TCP buffers';
    const rate = `${Math.round(limit.rate / 1e6)} MB/s at ${Math.round(rttMs)} ms`;
    return [
      transport === 'ssh'
        ? `${what} (now about ${rate}): ${raise}`
        : `${what} of ${host.label} limit a stream to about ${rate}: ${raise}`,
    ];
  }

  /** One end is this machine, and nothing says that it does not work. */
  private mayBeAuto(): boolean {
    const { source, target, options, sameHost } = this.run;
    if (options.transport !== 'auto' || sameHost || source.isLocal === target.isLocal) return false;
    if ([source, target].some(({ viaJump }) => viaJump === true)) return false;
    return (noWay.get(pairOf(this.run)) ?? 0) < Date.now();
  }

  private async isAutoTls(bytes: number): Promise<boolean> {
    if (bytes < WORTH_BYTES || !this.mayBeAuto()) return false;
    const { source } = this.run;
    const [sourceFacts, targetFacts] = await this.facts();
    const remote = source.isLocal ? targetFacts : sourceFacts;
    if (!remote.hasTls || !remote.programs.has('mkfifo') || !remote.programs.has('mktemp')) return false;
    const buffers = buffersOf(sourceFacts, targetFacts);
    // Asked last: it is the only thing that takes time.
    if (!tlsPays({ bytes, buffers, rttMs: Infinity })) return false;
    return tlsPays({ bytes, buffers, rttMs: (await this.rtt()) ?? 0 });
  }

  private async facts(): Promise<[TransportFacts, TransportFacts]> {
    const { source, target, ctx } = this.run;
    return Promise.all([transportFacts(source, ctx.signal), transportFacts(target, ctx.signal)]);
  }

  /** Milliseconds to the remote machine; of two the longer, since how far they are from each other is not known. */
  private async rtt(): Promise<number | null> {
    const { source, target, ctx } = this.run;
    const all = await Promise.all(
      [source, target].map(async ({ channels }) => (channels ? measured(channels, ctx.signal) : 0)),
    );
    const known = all.filter((one) => one !== null);
    return known.length < all.length ? null : Math.max(...known);

    async function measured(channels: NonNullable<Host['channels']>, signal: AbortSignal): Promise<number | null> {
      const host = channels === source.channels ? source : target;
      const before = roundTrips.get(host);
      if (before && Date.now() - before.asked < RTT_LASTING_MS) return before.ms;
      const ms = roundTrip(channels, signal);
      roundTrips.set(host, { asked: Date.now(), ms });
      ms.catch(() => roundTrips.delete(host));
      return ms;
    }
  }

  private async wire(transport: WireTransport): Promise<Wire> {
    const known = this.planned.get(transport);
    if (known) return known;
    const plan = this.plan(transport);
    this.planned.set(transport, plan);
    return plan;
  }

  private async plan(transport: WireTransport): Promise<Wire> {
    const { source, target, sourceFacts, targetFacts, options } = this.run;
    for (const { viaJump, label } of [source, target]) {
      if (viaJump !== true) continue;
      throw new ZfsFlowError(
        'UNSUPPORTED',
        `transport: ${transport} does not go through another machine, as the connection to ${label} does`,
        {
          field: 'transport',
          host: label,
          hint: 'Set transport to "ssh", which does.',
        },
      );
    }
    const [from, to] = await this.facts();
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
    return planWire(transport, options, {
      source: sideOf(source, sourceFacts, from),
      target: sideOf(target, targetFacts, to),
      ownAddresses: own,
    });
  }
}

/** Direction and hosts: a firewall may let the one through and not the other. */
const pairOf = ({ source, target }: Ends): string => `${source.id} > ${target.id}`;

function sideOf(host: Host, { aes }: HostFacts, facts: TransportFacts): WireSide {
  const { label, isLocal, channels } = host;
  const { hasTls, noCaStore, programs, netcats, sshConnection } = facts;
  return { label, isLocal, address: channels?.address ?? '', hasTls, noCaStore, aes, programs, netcats, sshConnection };
}

function buffersOf(source: TransportFacts, target: TransportFacts): Buffers {
  return { send: source.tcp.send, receive: target.tcp.receive };
}

/** Those of Linux have three values. */
const third = (sysctl: string): string => (sysctl.startsWith('net.ipv4') ? `the third value of ${sysctl}` : sysctl);

const gain = (times: number): string => (times < 10 ? times.toFixed(1) : String(Math.round(times)));

/** It reads 1 KiB at a time (transports.md §1.3). */
function isSlowReader(openssl: string): boolean {
  const [, major = '0', minor = '0'] = /^OpenSSL (\d+)\.(\d+)/.exec(openssl) ?? [];
  return Number(major) < 3 || (Number(major) === 3 && Number(minor) < 5);
}
