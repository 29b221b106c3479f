package mask

import (
	"fmt"
	"log/slog"
)

// Secret is bytes that no one may print: a credential on its way to a target.
// Every way of formatting, logging or encoding it shows "[secret]", or, where a
// package reaches past its methods, as fmt does into unexported fields, an
// address. The zero value is an empty secret. Copies share their bytes.
type Secret struct {
	// Behind a function, because fmt prints slices and follows pointers where it
	// may not call methods, and reflection cannot look into a closure.
	reveal func() []byte
}

const secretText = "[secret]"

// NewSecret takes over b; the caller must not keep it.
func NewSecret(b []byte) Secret { return Secret{func() []byte { return b }} }

// Reveal returns the bytes themselves. Give them to the target, nobody else.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return len(s.Reveal()) == 0 }

// Destroy overwrites the bytes, those of all copies.
func (s Secret) Destroy() { clear(s.Reveal()) }

// String and its kin below redact.
func (s Secret) String() string               { return secretText }
func (s Secret) GoString() string             { return secretText }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(secretText)) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(secretText) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretText), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + secretText + `"`), nil }
func (s Secret) MarshalYAML() (any, error)    { return secretText, nil }
