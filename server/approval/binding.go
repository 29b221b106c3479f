package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/sallyport/sallyport/policy"
)

// Binding is everything that an approval is a yes to.
type Binding struct {
	Requester policy.Identity // issuer and subject count
	Resource  policy.Resource // name and revision count
	Action    policy.Action
	Text      string
	// Binds are the bound parameters, each with its type's name.
	Binds []Bind
	// Login is the upstream user.
	Login string
	// Masks is the revision of the plans under which the answer is shown and kept.
	Masks string
	// Cleartext are the masked columns that the requester sees all the same.
	Cleartext []string
	// Agent and Display say that the target may use the requester's SSH agent, or draw on
	// their display, while the operation runs.
	Agent, Display bool
}

// Bind is a bound parameter.
type Bind struct {
	Type  string
	Value []byte
	Null  bool
}

// bindingVersion leads the record; a change of the form changes every hash.
const bindingVersion = "sallyport/approval/3"

// Hash is the SHA-256, in hex, over the record: bindingVersion and each field in
// the order of the struct, each led by its length as 8 bytes big-endian, the
// binds and the columns led by their number; what is lent is one byte each.
func (b Binding) Hash() string {
	h := sha256.New()
	put := func(p []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	for _, s := range []string{bindingVersion, b.Requester.Issuer, b.Requester.Subject,
		b.Resource.Name, b.Resource.Revision, string(b.Action), b.Text} {
		put([]byte(s))
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b.Binds)))
	put(n[:])
	for _, x := range b.Binds {
		put([]byte(x.Type))
		null := byte(0)
		if x.Null {
			null = 1
		}
		put([]byte{null})
		put(x.Value)
	}
	put([]byte(b.Login))
	put([]byte(b.Masks))
	binary.BigEndian.PutUint64(n[:], uint64(len(b.Cleartext)))
	put(n[:])
	for _, c := range b.Cleartext {
		put([]byte(c))
	}
	for _, lent := range []bool{b.Agent, b.Display} {
		if lent {
			put([]byte{1})
		} else {
			put([]byte{0})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
