import assert from 'node:assert/strict';
import { JSON_RPC, OLD_SOCKET, type Incoming } from '../../../../src/ssh-setup/truenas/wire';

const old = (message: object): Incoming => OLD_SOCKET.read(JSON.stringify(message));
const rpc = (message: object): Incoming => JSON_RPC.read(JSON.stringify({ jsonrpc: '2.0', ...message }));

describe('the old socket of TrueNAS', () => {
  it('asks and is answered', () => {
    assert.deepEqual(JSON.parse(OLD_SOCKET.request('1', 'auth.login', ['root', 'x'])), {
      id: '1',
      msg: 'method',
      method: 'auth.login',
      params: ['root', 'x'],
    });
    assert.deepEqual(old({ msg: 'connected', session: 'x' }), { kind: 'connected' });
    assert.deepEqual(old({ msg: 'failed', version: '1' }), { kind: 'failed' });
    assert.deepEqual(old({ id: '1', msg: 'result', result: false }), { kind: 'answer', id: '1', value: false });
  });

  it('refuses: with names, and with numbers alone as CORE does', () => {
    const error = (more: object): Incoming => old({ id: '2', msg: 'result', error: { trace: { secret: 1 }, ...more } });
    const refused = (errname: string, reason: string, fields: object[] = []): object => ({
      kind: 'refusal',
      id: '2',
      refusal: { errname, reason, fields },
    });
    assert.deepEqual(
      error({ error: 207, errname: 'ENOTAUTHENTICATED', type: null, reason: 'Not authenticated' }),
      refused('ENOTAUTHENTICATED', 'Not authenticated'),
    );
    assert.deepEqual(
      error({ error: 13, type: null, reason: 'Not authenticated' }),
      refused('EACCES', 'Not authenticated'),
    );
    assert.deepEqual(
      error({ error: 2, reason: '[ENOENT] None: MatchNotFound' }),
      refused('ENOENT', 'None: MatchNotFound'),
    );
    for (const number of [11, 35]) {
      const extra = [['user_update.sshpubkey', 'Home directory is not writable', 22]];
      assert.deepEqual(
        error({
          error: number,
          errname: 'EAGAIN',
          type: 'VALIDATION',
          reason: '[EINVAL] user_update.sshpubkey: …',
          extra,
        }),
        refused('EINVAL', 'user_update.sshpubkey: Home directory is not writable', [
          { field: 'user_update.sshpubkey', message: 'Home directory is not writable' },
        ]),
      );
    }
    assert.deepEqual(error({ error: 201, reason: "Method 'control' not found in 'service'" }), refused('ENOMETHOD', "Method 'control' not found in 'service'")); // prettier-ignore
    assert.deepEqual(error({ error: 99, reason: 7, extra: 'x' }), refused('E99', ''));
  });

  it('ignores what is no answer', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '7',
      '{',
      '{"msg":"added","id":"1"}',
      '{"msg":"result"}',
      '{"msg":"result","id":3}',
    ]) {
      assert.deepEqual(OLD_SOCKET.read(text), { kind: 'other' }, text);
    }
  });
});

describe('JSON-RPC of TrueNAS', () => {
  it('asks and is answered', () => {
    assert.deepEqual(JSON.parse(JSON_RPC.request('5', 'system.version', [])), {
      jsonrpc: '2.0',
      id: '5',
      method: 'system.version',
      params: [],
    });
    assert.deepEqual(rpc({ id: '5', result: null }), { kind: 'answer', id: '5', value: null });
  });

  it('refuses by code, and in the data where the call itself failed', () => {
    const error = (more: object): Incoming => rpc({ id: '2', error: more });
    const of = (message: Incoming): object => (message.kind === 'refusal' ? message.refusal : message);
    assert.deepEqual(of(error({ code: -32_601, message: 'Method does not exist' })), {
      errname: 'ENOMETHOD',
      reason: 'Method does not exist',
      fields: [],
    });
    const invalid = {
      error: 22,
      errname: 'EINVAL',
      reason: '…',
      trace: {},
      extra: [['data.username', 'Field required', 22]],
    };
    assert.deepEqual(of(error({ code: -32_602, message: 'Invalid params', data: invalid })), {
      errname: 'EINVAL',
      reason: 'data.username: Field required',
      fields: [{ field: 'data.username', message: 'Field required' }],
    });
    const failed = {
      error: 2,
      errname: 'ENOENT',
      reason: '[ENOENT] Home directory /x does not exist',
      trace: {},
      extra: null,
    };
    assert.deepEqual(of(error({ code: -32_001, message: 'Method call error', data: failed })), {
      errname: 'ENOENT',
      reason: 'Home directory /x does not exist',
      fields: [],
    });
    const busy = { code: -32_000, message: 'Maximum number of concurrent calls (20) has exceeded' };
    assert.deepEqual(of(error(busy)), { errname: '', reason: busy.message, fields: [] });
  });

  it('ignores events, other versions and what is no answer', () => {
    const texts = [
      '{"id":"1","result":1}',
      '{"jsonrpc":"1.0","id":"1","result":1}',
      '{"jsonrpc":"2.0","method":"collection_update"}',
    ];
    for (const text of [...texts, '{"jsonrpc":"2.0","id":"1"}', '{"jsonrpc":"2.0","id":null,"result":1}']) {
      assert.deepEqual(JSON_RPC.read(text), { kind: 'other' }, text);
    }
  });
});
