package kubernetes

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// hostly are fields of a pod's spec that give it the host.
var hostly = map[string]bool{"privileged": true, "hostPath": true, "hostPID": true, "hostNetwork": true, "hostIPC": true, "allowPrivilegeEscalation": true, "hostUsers": false}

// strong are capabilities that give a container more than its own.
var strong = set("SYS_ADMIN SYS_PTRACE SYS_MODULE NET_ADMIN DAC_READ_SEARCH DAC_OVERRIDE SYS_RAWIO ALL BPF SYS_TIME SYS_CHROOT")

// manifest judges a body: JSON here; what is not JSON (YAML, protobuf) is opaque.
func (j *judge) manifest(body []byte) {
	reads := j.class == policy.Read
	b := bytes.TrimSpace(body)
	if len(b) == 0 || reads {
		return
	}
	if b[0] != '{' && b[0] != '[' || !json.Valid(b) {
		j.raise(policy.Dangerous, "the body is not JSON, so that it is not judged")
		return
	}
	j.tokens(b)
}

// tokens walks keys and values, so that a key that stands twice is seen twice.
func (j *judge) tokens(b []byte) {
	d := json.NewDecoder(bytes.NewReader(b))
	var stack []bool
	key, isKey, path := "", false, ""
	for {
		t, err := d.Token()
		if err != nil {
			return
		}
		if delim, ok := t.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				j.field(key, nil)
				stack = append(stack, delim == '{')
				isKey = delim == '{'
				continue
			}
			stack = stack[:len(stack)-1]
			isKey = len(stack) > 0 && stack[len(stack)-1]
			continue
		}
		if s, ok := t.(string); ok && isKey {
			key, isKey = s, false
			continue
		}
		if s, ok := t.(string); ok && key == "path" {
			path = s[strings.LastIndexByte(s, '/')+1:] // a JSON patch: its value may follow
			j.field(path, true)
		}
		if key == "value" && path != "" {
			j.field(path, t)
		}
		j.field(key, t)
		isKey = len(stack) > 0 && stack[len(stack)-1]
	}
}

func (j *judge) field(key string, value json.Token) {
	on, isBool := value.(bool)
	switch {
	case hostly[key] && (!isBool || on) && (key == "hostPath" || value != nil):
		j.raise(policy.Dangerous, "the pod gets the host by "+key)
	case key == "replicas" && (value == float64(0) || value == "0"):
		j.destroys("scales to nothing")
	case key == "serviceAccountName" || key == "automountServiceAccountToken" && on:
		j.raise(policy.Privilege, "the pod acts as a service account that it names")
	case key == "unschedulable" && on:
		j.raise(policy.Dangerous, "closes a node")
	case key == "finalizers" && value == nil && j.call.Verb == "patch":
		j.raise(policy.DDL, "changes finalizers")
	}
	if s, ok := value.(string); ok && strong[strings.TrimPrefix(strings.ToUpper(s), "CAP_")] && (key == "add" || key == "capabilities") {
		j.raise(policy.Dangerous, "the container gets the capability "+s)
	}
}
