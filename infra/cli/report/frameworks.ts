/** A control of a standard, and how the evidence of a report can serve it. */
interface Control {
  readonly id: string;
  readonly name: string;
  readonly why: string;
}

/** Standards and their controls that the evidence of a report can serve. The names are those of the standards. */
export const frameworks: readonly { readonly name: string; readonly controls: readonly Control[] }[] = [
  {
    name: 'ISO/IEC 27001:2022, Annex A',
    controls: [
      {
        id: 'A.5.28',
        name: 'Collection of evidence',
        why: 'The report collects what was found and done, with its times, its sources and the hashes of its files.',
      },
      {
        id: 'A.5.33',
        name: 'Protection of records',
        why: 'Where days are sealed, the seals show whether the history was changed afterwards.',
      },
      {
        id: 'A.5.36',
        name: 'Compliance with policies, rules and standards for information security',
        why: 'Compliance over time shows how many devices kept to each policy.',
      },
      {
        id: 'A.8.9',
        name: 'Configuration management',
        why: 'Policies define the configuration, and departures show how it was monitored and set back.',
      },
      {
        id: 'A.8.15',
        name: 'Logging',
        why: 'Departures, their outcomes and the actions of operators are recorded with time and cause.',
      },
      {
        id: 'A.8.16',
        name: 'Monitoring activities',
        why: 'Departures show that devices were watched, by events and by sweeps, and how each finding was treated.',
      },
      {
        id: 'A.8.32',
        name: 'Change management',
        why: 'Policy versions and actions show what was changed and when, and why if a reason was given.',
      },
    ],
  },
  {
    name: 'IEC 62443-3-3:2013, system requirements',
    controls: [
      {
        id: 'SR 2.8',
        name: 'Auditable events',
        why: 'Each departure and each action is a record with time, source and result.',
      },
      {
        id: 'SR 3.4',
        name: 'Software and information integrity',
        why: 'Unauthorized changes of the covered settings are detected, recorded and reported.',
      },
      {
        id: 'SR 3.9',
        name: 'Protection of audit information',
        why: 'Where days are sealed, the seals show whether records were changed or removed.',
      },
      {
        id: 'SR 6.1',
        name: 'Audit log accessibility',
        why: 'The records are readable for people in this report, and for programs in its CSV files.',
      },
      {
        id: 'SR 6.2',
        name: 'Continuous monitoring',
        why: 'Compliance over time shows when the settings were monitored, and when they were not counted.',
      },
      {
        id: 'SR 7.6',
        name: 'Network and security configuration settings',
        why: 'The report lists the settings that are wanted, and where devices did not have them.',
      },
    ],
  },
  {
    name: 'IEC 62443-4-2:2019, component requirements',
    controls: [
      {
        id: 'CR 7.6',
        name: 'Network and security configuration settings',
        why: 'The settings of the security module of each device are compared with the policy, and set back.',
      },
    ],
  },
  {
    name: 'SOC 2, trust services criteria (2017)',
    controls: [
      {
        id: 'CC6.8',
        name: 'Unauthorized or malicious software',
        why: 'Unauthorized changes of the configuration of security agents are detected and acted upon.',
      },
      {
        id: 'CC7.1',
        name: 'Detection of changes to configurations',
        why: 'Departures show that changes of the configuration were detected, and how soon.',
      },
      {
        id: 'CC7.2',
        name: 'Monitoring of system components for anomalies',
        why: 'Departures that were held back or that failed show anomalies, and how they were treated.',
      },
      {
        id: 'CC8.1',
        name: 'Changes to infrastructure, data, software and procedures',
        why: 'Policy versions and actions document changes of the wanted configuration.',
      },
    ],
  },
];
