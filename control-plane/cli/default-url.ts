// Where a control plane is that was started by `belay up`.

export const DEFAULT_URL = 'http://127.0.0.1:7420';
