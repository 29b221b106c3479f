package policy

import "time"

// over is the bounds that hold where a rule's stand over its role's, field by
// field. They have been checked; what cannot be read is no bound.
func (b Bounds) over(role Bounds) Limits {
	return Limits{
		Rows:      *first(b.Rows, role.Rows, new(int64)),
		Bytes:     *first(b.Bytes, role.Bytes, new(int64)),
		Sessions:  *first(b.Sessions, role.Sessions, new(int)),
		Statement: span(b.Statement, role.Statement),
		Session:   span(b.Session, role.Session),
		Idle:      span(b.Idle, role.Idle),
	}
}

func first[T any](all ...*T) *T {
	for _, p := range all {
		if p != nil {
			return p
		}
	}
	return nil
}

func span(texts ...string) time.Duration {
	for _, s := range texts {
		if s != "" {
			d, _ := time.ParseDuration(s)
			return d
		}
	}
	return 0
}

// Widest is the wider of each of two limits.
func (l Limits) Widest(o Limits) Limits {
	return Limits{wider(l.Rows, o.Rows), wider(l.Bytes, o.Bytes), wider(l.Statement, o.Statement),
		wider(l.Session, o.Session), wider(l.Idle, o.Idle), wider(l.Sessions, o.Sessions)}
}

// Tightest is the narrower of each of two limits: what holds where both do.
func (l Limits) Tightest(o Limits) Limits {
	return Limits{tighter(l.Rows, o.Rows), tighter(l.Bytes, o.Bytes), tighter(l.Statement, o.Statement),
		tighter(l.Session, o.Session), tighter(l.Idle, o.Idle), tighter(l.Sessions, o.Sessions)}
}

// within reports whether nothing in l is wider than in o.
func (l Limits) within(o Limits) bool { return o.Widest(l) == o }

func wider[T int | int64 | time.Duration](a, b T) T {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

func tighter[T int | int64 | time.Duration](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
