// Set up a TrueNAS through its API (face.md §5): the login is truenas-login.ts; what is said beside it is which account is to
// log in over SSH, and how it becomes root.
import { ask } from '../../dialog/admin';
import { Pane } from './set-up-pane';
import type { SetUpAnswer, SetUpConnection, Stage, Way } from './set-up-types';
import { loginFields, TrueNasLogin, urlOf } from './truenas-login';

function buildForm({ t, known }: Stage): Pane {
  const pane = new Pane(t, t('setUp.truenas.title'), t('setUp.truenas.about'));
  loginFields(pane, t, known.host);
  pane.text('sshUser', { label: t('setUp.truenas.sshUser'), placeholder: t('setUp.truenas.sshUserSame') });
  pane.check('sudo', { label: t('setUp.truenas.sudo'), hint: t('setUp.truenas.sudoHint'), checked: true });
  const update = (): void => pane.toggle('sudo', sshUser(pane) !== 'root');
  pane.onInput(update);
  update();
  return pane;
}

/** The account that is to log in over SSH. */
const sshUser = (pane: Pane): string => pane.value('sshUser') || pane.value('username') || 'root';

export function truenasWay(stage: Stage): Way {
  const { t } = stage;
  const form = buildForm(stage);
  const login = new TrueNasLogin<SetUpAnswer>({
    t,
    form,
    fields: ['sshUser', 'sudo'],
    working: t('setUp.truenas.working'),
    send: (values, signal) => {
      const user = form.value('sshUser');
      const question = {
        ...stage.request,
        ...values,
        ...(user === '' ? {} : { sshUser: user }),
        ...(sshUser(form) === 'root' ? {} : { sudo: form.checked('sudo') ? 'sudo' : 'none' }),
      };
      stage.begin();
      return ask<SetUpAnswer>('set-up-truenas', question, t, signal);
    },
    show: (step, pane) => stage.show(step, pane),
    done: (answer) => stage.done(connectionOf(answer), answer),
  });

  const connectionOf = ({ host, port, username, hostKeys, sudo }: SetUpAnswer): SetUpConnection => ({
    host: host ?? login.host,
    port: port ?? 22,
    username: username ?? sshUser(form),
    hostKeys,
    ...(sudo === undefined ? {} : { sudo }),
  });

  form.button(t('setUp.truenas.go'), 'next', () => login.go());
  form.button(t('setUp.back'), 'back', () => stage.back());
  return { pane: form, typed: () => (URL.canParse(urlOf(form)) ? { host: new URL(urlOf(form)).hostname } : {}) };
}
