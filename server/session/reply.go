package session

import (
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// reply is the answer to a request on its way: the head, then the body as a
// stream. Both are output in the transcript.
type reply struct {
	maskedWriter
	to   connectors.ResponseWriter
	more []mask.PathRule
	head int64 // fields of the head that were masked
}

var _ connectors.ResponseWriter = (*reply)(nil)

// Reply wraps what takes the answer to a request: it is masked, recorded, and then
// handed on.
func (p *permit) Reply(w connectors.ResponseWriter, more []mask.PathRule) (connectors.ResponseWriter, func() error) {
	r := &reply{maskedWriter: maskedWriter{p: p}, to: w, more: more}
	p.replies = append(p.replies, r)
	return r, r.Flush
}

// Head masks the fields, records the head, and hands it on. Who decides about the
// body decides here, by what the head says of it.
func (r *reply) Head(status int, fields []connectors.Field) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.guarded(func() error {
		p := r.p
		kept, _ := connectors.MaskFields(p.kept, fields)
		seen, hits := connectors.MaskFields(p.seen, fields)
		r.head = hits
		rec := &recordWriter{p: p, kind: recorder.KindOutput}
		if _, err := io.WriteString(rec, connectors.HeadText(status, kept)); err != nil {
			return err
		}
		if err := r.body(rec, fields); err != nil {
			return err
		}
		return r.to.Head(status, seen)
	})
}

// body makes the streams of both plans.
func (r *reply) body(rec io.Writer, fields []connectors.Field) error {
	p := r.p
	var notify func(mask.Mark)
	if m, ok := r.to.(connectors.Marker); ok {
		notify = m.Masked
	}
	if !p.terms.binary {
		if !connectors.Readable(fields) {
			r.unread = p.notReadable()
		}
		r.sniff = new(mask.Sniffer)
	}
	if p.seen.Revision() == p.kept.Revision() {
		return r.view(p.seen, &teeWriter{rec, r.to}, fields, notify)
	}
	if err := r.view(p.kept, rec, fields, nil); err != nil {
		return err
	}
	return r.view(p.seen, r.to, fields, notify)
}

func (r *reply) view(plan *mask.Plan, to io.Writer, fields []connectors.Field, notify func(mask.Mark)) (err error) {
	v := r.add(to)
	v.notify = notify
	v.masker, err = connectors.Body(plan, &v.out, fields, r.more, v.marked)
	return err
}

func (r *reply) hits() int64 {
	n := r.maskedWriter.hits()
	r.mu.Lock()
	defer r.mu.Unlock()
	return n + r.head
}

// notReadable refuses a body in an encoding that detectors cannot read.
func (p *permit) notReadable() *policy.Refusal {
	return &policy.Refusal{Rule: p.terms.rule, Reason: "it was ended: its answer is in an encoding that detectors cannot read, and the rule does not allow binary output",
		Hint: "ask the service for UTF-8, or for a rule with binary: true"}
}
