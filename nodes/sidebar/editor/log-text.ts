// A task's log as text, for the clipboard and for a file. Pure.
import type { LogEvent } from './task';

/** `2026-11-22T01:30:00.000Z  INFO  started   snapshot of tank/data` */
export function logText(events: readonly LogEvent[]): string {
  return events
    .map(
      ({ time, level, event, message }) => `${time}  ${level.toUpperCase().padEnd(5)}  ${event}  ${oneLine(message)}\n`,
    )
    .join('');
}

/** Lines of a message stay together: continued ones are indented. */
function oneLine(message: string): string {
  return message.trimEnd().replaceAll(/\r?\n/g, '\n    ');
}

/** A name that every file system takes. */
export function fileName(name: string): string {
  const kept = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${kept.slice(0, 80) || 'task'}.log.txt`;
}

/** `2026-11-22` where the reader is. */
export function dayOf(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
