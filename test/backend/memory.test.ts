import { MemoryBackend } from '../../src/backend/memory.ts'
import { contractTests } from './contract.ts'

contractTests({ title: 'memory', open: async () => new MemoryBackend() })
