package ssh

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	gossh "golang.org/x/crypto/ssh"
)

// Messages of the agent protocol (draft-ietf-sshm-ssh-agent).
const (
	agentFailure   = 5
	agentSuccess   = 6
	agentList      = 11
	agentKeys      = 12
	agentSign      = 13
	agentSignature = 14
	agentExtension = 27
	agentExtFailed = 28

	maxAgentMessage = 256 << 10
	maxAgentKeys    = 2048
	// maxAgentNotes bounds how many refused requests of one way are on record.
	maxAgentNotes = 16
)

// sessionBind tells an agent at which host its keys are used (PROTOCOL.agent of OpenSSH).
const sessionBind = "session-bind@openssh.com"

// agentWay lets a target use a requester's agent to list its keys and to sign with
// them. Whatever else it asks for is refused in the protocol's own form, and never
// reaches the agent.
type agentWay struct {
	target, agent io.ReadWriter
	// note records what is asked for before the agent is asked.
	note func(string) error
	// did is told what was done.
	did     func(kind byte)
	names   map[string]string // comments of keys, by fingerprint
	refused int
}

// serve answers until either side ends. Its error says what was wrong with one.
func (w *agentWay) serve() error {
	for {
		m, err := readAgent(w.target)
		if err != nil {
			return err
		}
		answer, err := w.answer(m)
		if err != nil {
			return err
		}
		if err := writeAgent(w.target, answer); err != nil {
			return err
		}
	}
}

var failed = []byte{agentFailure}

func (w *agentWay) answer(m []byte) ([]byte, error) {
	switch {
	case m[0] == agentList && len(m) == 1:
		if err := w.note("agent: asked which keys there are"); err != nil {
			return nil, err
		}
		return w.list()
	case m[0] == agentSign:
		return w.sign(m)
	case m[0] == agentExtension && extension(m) == sessionBind:
		return w.ask(m, agentSuccess, agentFailure, agentExtFailed)
	}
	if w.refused++; w.refused <= maxAgentNotes {
		if err := w.note("agent: refused: " + asked(m)); err != nil {
			return nil, err
		}
	}
	return failed, nil
}

// asked names what is refused.
func asked(m []byte) string {
	names := map[byte]string{17: "to add a key", 25: "to add a key", 18: "to remove a key", 19: "to remove all keys", 20: "to add a token's keys",
		26: "to add a token's keys", 21: "to remove a token's keys", 22: "to lock it", 23: "to unlock it"}
	if name, ok := names[m[0]]; ok {
		return name
	}
	if m[0] == agentExtension {
		return fmt.Sprintf("extension %.64q", extension(m))
	}
	return fmt.Sprintf("message %d", m[0])
}

func extension(m []byte) string {
	var e struct {
		Name string
		Rest []byte `ssh:"rest"`
	}
	if gossh.Unmarshal(m[1:], &e) != nil {
		return ""
	}
	return e.Name
}

// list asks for the keys, and remembers their comments.
func (w *agentWay) list() ([]byte, error) {
	answer, err := w.ask([]byte{agentList}, agentKeys, agentFailure)
	if err != nil || answer[0] != agentKeys {
		return answer, err
	}
	var keys struct {
		Number uint32
		Rest   []byte `ssh:"rest"`
	}
	if gossh.Unmarshal(answer[1:], &keys) != nil || keys.Number > maxAgentKeys {
		return failed, nil
	}
	for range keys.Number {
		var key struct {
			Blob    []byte
			Comment string
			Rest    []byte `ssh:"rest"`
		}
		if gossh.Unmarshal(keys.Rest, &key) != nil {
			return failed, nil
		}
		if print, err := fingerprint(key.Blob); err == nil {
			w.names[print] = key.Comment
		}
		keys.Rest = key.Rest
	}
	w.did(agentList)
	return answer, nil
}

// sign asks for one signature. What it is for, and by which key, is on record before.
func (w *agentWay) sign(m []byte) ([]byte, error) {
	var q struct {
		Blob, Data []byte
		Flags      uint32
	}
	if gossh.Unmarshal(m[1:], &q) != nil {
		return failed, nil
	}
	print, err := fingerprint(q.Blob)
	if err != nil {
		return failed, nil
	}
	if _, ok := w.names[print]; !ok {
		if _, err := w.list(); err != nil {
			return nil, err
		}
	}
	if err := w.note(fmt.Sprintf("agent: asked to sign %s with %s (%.100q)", purpose(q.Data), print, w.names[print])); err != nil {
		return nil, err
	}
	answer, err := w.ask(m, agentSignature, agentFailure)
	if err == nil && answer[0] == agentSignature {
		w.did(agentSign)
	}
	return answer, err
}

// fingerprint names a key; a certificate by the key that it is for.
func fingerprint(blob []byte) (string, error) {
	key, err := gossh.ParsePublicKey(blob)
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	if cert, ok := key.(*gossh.Certificate); ok {
		return gossh.FingerprintSHA256(cert.Key) + " by a certificate", nil
	}
	return gossh.FingerprintSHA256(key), nil
}

// purpose says what a signature is for, as far as what is signed tells (RFC 4252
// section 7).
func purpose(data []byte) string {
	var q struct {
		Session               []byte
		Kind                  byte
		User, Service, Method string
		Rest                  []byte `ssh:"rest"`
	}
	const userAuth = 50
	if gossh.Unmarshal(data, &q) == nil && q.Kind == userAuth && q.Service == "ssh-connection" {
		return fmt.Sprintf("a sign-in as %.64q", q.User)
	}
	return "something that is no sign-in"
}

// ask asks the agent, whose answer must be of one of the kinds.
func (w *agentWay) ask(m []byte, kinds ...byte) ([]byte, error) {
	if err := writeAgent(w.agent, m); err != nil {
		return nil, err
	}
	answer, err := readAgent(w.agent)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if answer[0] == k {
			return answer, nil
		}
	}
	return failed, nil
}

var errAgentMessage = errors.New("a message of the agent protocol is empty or too long")

// readAgent reads one message, which is never empty.
func readAgent(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxAgentMessage {
		return nil, errAgentMessage
	}
	m := make([]byte, n)
	_, err := io.ReadFull(r, m)
	return m, err
}

func writeAgent(w io.Writer, m []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(m))), m...))
	return err
}
