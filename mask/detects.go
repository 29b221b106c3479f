package mask

// Detects reports whether the plan looks into content: whether a Writer of it may
// change anything.
func (p *Plan) Detects() bool { return p.closed() || p.detect != 0 }
