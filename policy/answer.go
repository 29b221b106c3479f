package policy

// verity is how far a condition is true.
type verity uint8

const (
	no     verity = iota
	open          // it depends on an operation that is not there yet
	broken        // it could not be computed
	yes
)

// answer is what a condition says, and why it could not be computed.
type answer struct {
	is  verity
	err error
}

// ask computes a condition; one that is not there says yes.
func (c *condition) ask(s *scope) answer {
	if c == nil {
		return answer{is: yes}
	}
	if s.early {
		return answerOf(c.may(s))
	}
	ok, err := c.holds(s)
	return answerOf(ok, false, err)
}

func answerOf(ok, later bool, err error) answer {
	switch {
	case err != nil:
		return answer{broken, err}
	case later:
		return answer{is: open}
	case ok:
		return answer{is: yes}
	}
	return answer{is: no}
}

// and is what two conditions say together. What is false stays false whatever the
// other is; and what is broken and open together is left to the effect: see may.
func (a answer) and(b answer) answer {
	switch {
	case a.is == no || b.is == no:
		return answer{is: no}
	case a.is == broken || b.is == broken:
		err := a.err
		if err == nil {
			err = b.err
		}
		if a.is == open || b.is == open {
			return answer{open, err}
		}
		return answer{broken, err}
	case a.is == open || b.is == open:
		return answer{is: open}
	}
	return answer{is: yes}
}
