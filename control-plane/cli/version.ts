// The version of this command, as `belay version` and `belay --version` say it.

export const VERSION = '0.1.0';
