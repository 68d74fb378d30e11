// The way out of long lists: written as they are. Checking each entry on its way out takes longer than making it; a test holds
// these answers against their schemas instead.

/** `serializerCompiler` of a route. Nothing may be in its answer that its schema would take out. */
export const asItIs = () => JSON.stringify;
