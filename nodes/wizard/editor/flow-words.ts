// What people read on and in the nodes that are made.
import type { Answers } from '../../../src/wizard/answers';
import type { FlowWords } from '../../../src/wizard/flow';
import { suggestedName } from '../../../src/wizard/name';
import type { Machines } from './machines';
import { sentencesOf } from './sentences';
import { t } from './translate';

export function flowWords(answers: Answers, machines: Machines): FlowWords {
  return {
    runNow: t('flow.runNow'),
    errors: t('flow.errors'),
    snapshots: t('flow.snapshots', { datasets: suggestedName(answers.sourceDatasets, '') }),
    about: t('flow.about'),
    summary: sentencesOf(answers, machines)
      .map(({ text }) => `- ${text}`)
      .join('\n'),
  };
}
