// The part of the WebAssembly JavaScript interface that the chunker uses: TypeScript declares it for browsers only.
declare namespace WebAssembly {
  class Module {
    private readonly brand
    constructor(bytes: Uint8Array)
  }
  class Memory {
    readonly buffer: ArrayBuffer
    constructor(pages: { initial: number; maximum: number })
  }
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>
    constructor(module: Module, imports: Record<string, Record<string, Memory>>)
  }
}
