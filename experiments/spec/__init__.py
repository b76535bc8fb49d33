"""What a study file may say, and reading it: strict, with all findings at once, each with its line.

The lowest room of `experiments/`: it imports nothing else of it. In the order of their imports:

- `findings`, `explained`: what is wrong with a file, in words; what pydantic found, in these words.
- `yaml_reading`, `yaml_writing`: strict YAML in, plain YAML out.
- `part`, `surroundings`, `field_errors`: the base of all models, what their fields are checked
  against, and how a field says what is wrong with it.
- `times`, `files`, `csv_series`: steps of time; files beside a study; series in them.
- `fields`, `series`: field types that check themselves.
- `methods`, `network_choice`, `study_spec`: the fields that every study has.
- `checks`, `feeder`, `settings`, `old_fields`: what one part of a file says about another; its
  feeder; `set` of cases and of the command line; names that fields had before.
- `study`, `study_reading`, `plausibility`: a study with its cases, made of a document; what is
  accepted and doubted.
"""
