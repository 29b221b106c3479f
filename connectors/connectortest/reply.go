package connectortest

import (
	"errors"
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// reply is an answer as a gate takes it: recorded, then handed on.
type reply struct {
	p          *Permit
	to         connectors.ResponseWriter
	more       []mask.PathRule
	kept, seen connectors.Masking
}

func (r *reply) Head(status int, fields []connectors.Field) error {
	rec := &recorded{r.p, &r.p.out}
	kept, _ := connectors.MaskFields(r.p.kept, fields)
	seen, _ := connectors.MaskFields(r.p.seen, fields)
	if _, err := io.WriteString(rec, connectors.HeadText(status, kept)); err != nil {
		return err
	}
	var err error
	if r.kept, err = connectors.Body(r.p.kept, rec, fields, r.more, nil); err != nil {
		return err
	}
	if r.seen, err = connectors.Body(r.p.seen, r.to, fields, r.more, nil); err != nil {
		return err
	}
	return r.to.Head(status, seen)
}

func (r *reply) Write(b []byte) (int, error) {
	if r.kept == nil {
		return 0, errors.New("a body without a head")
	}
	if _, err := r.kept.Write(b); err != nil {
		return 0, err
	}
	return r.seen.Write(b)
}

func (r *reply) flush() error {
	if r.kept == nil {
		return nil
	}
	return errors.Join(r.kept.Flush(), r.seen.Flush())
}
