// The machines that the wizard can name: this one, the connections that the editor has, deployed or not, and those that were
// set up in this very wizard and are in no flow yet.

/** A connection that comes into being with the flow. */
export interface NewMachine {
  readonly id: string;
  /** Properties of the connection. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What was typed in by hand. A key that was made on the server waits there under the id. */
  readonly credentials?: Readonly<Record<string, string>>;
}

export class Machines {
  private readonly made = new Map<string, NewMachine>();
  private readonly listeners: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  add(machine: NewMachine): void {
    this.made.set(machine.id, machine);
    for (const listener of this.listeners) listener();
  }

  /** Those that these ids name. */
  madeOf(ids: readonly string[]): NewMachine[] {
    return [...new Set(ids)].flatMap((id) => this.made.get(id) ?? []);
  }

  get allMade(): NewMachine[] {
    return [...this.made.values()];
  }

  isNew(id: string): boolean {
    return this.made.has(id);
  }

  /** Id and label of each connection; new ones last. */
  get all(): [string, string][] {
    const there: [string, string][] = [];
    RED.nodes.eachConfig((node) => {
      if (node.type === 'zfs-ssh-connection') there.push([node.id, RED.utils.getNodeLabel(node, node.id)]);
    });
    there.sort(([, a], [, b]) => a.localeCompare(b));
    return [...there, ...this.allMade.map(({ id }): [string, string] => [id, this.label(id)])];
  }

  get labels(): string[] {
    return this.all.map(([, label]) => label);
  }

  has(id: string): boolean {
    return id === '' || this.made.has(id) || RED.nodes.node(id)?.type === 'zfs-ssh-connection';
  }

  /** '' for this machine, which each language has its own word for. */
  label(id: string): string {
    if (id === '') return '';
    const made = this.made.get(id);
    if (made !== undefined) return textOr(made.values['name'], textOr(made.values['host'], id));
    const node = RED.nodes.node(id);
    return node ? RED.utils.getNodeLabel(node, id) : id;
  }

  /** The name of its host as the connection has it; '' for this machine. */
  host(id: string): string {
    const node = this.made.get(id)?.values ?? RED.nodes.node(id) ?? {};
    return textOr(node['host'], '');
  }
}

const textOr = (value: unknown, other: string): string => (typeof value === 'string' && value !== '' ? value : other);
