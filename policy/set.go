package policy

import "math/bits"

// set is a set of roles by their number.
type set []uint64

// with is the set with n in it, which may be the same memory.
func (s set) with(n int) set {
	for len(s) <= n/64 {
		s = append(s, 0)
	}
	s[n/64] |= 1 << (n % 64)
	return s
}

func (s set) has(n int) bool { return n/64 < len(s) && s[n/64]>>(n%64)&1 == 1 }

// or adds all of o.
func (s set) or(o set) set {
	for len(s) < len(o) {
		s = append(s, 0)
	}
	for i, w := range o {
		s[i] |= w
	}
	return s
}

// next is the least member from n on, -1 for none.
func (s set) next(n int) int {
	for i := n / 64; i < len(s); i++ {
		w := s[i]
		if i == n/64 {
			w &= ^uint64(0) << (n % 64)
		}
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// without is the set without n, in the same memory.
func (s set) without(n int) set {
	if n/64 < len(s) {
		s[n/64] &^= 1 << (n % 64)
	}
	return s
}

// and is what is in both, in the memory of s.
func (s set) and(o set) set {
	for i := range s {
		if i >= len(o) {
			return s[:i]
		}
		s[i] &= o[i]
	}
	return s
}
