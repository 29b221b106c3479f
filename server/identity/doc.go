// Package identity answers: who is this?
//
// It signs people in by OAuth 2.0 device authorization (RFC 8628) at an OpenID
// provider, verifies what comes back, and remembers SSH keys for a time.
//
// A sign-in is Provider.Start, which yields a URL and a code to show, then
// Flow.Wait, which polls until the person has answered and returns who they are.
// The device code, the tokens and the client's secret stay in this package: no
// error and no exported field holds them.
//
// # What an ID token must be
//
// Everything below must hold, or Wait fails with ErrToken and says which did not:
//
//   - at most 16 KiB, compact form, header and claims without duplicate keys
//   - signed by a key of the issuer's own key set with RS256, PS256, ES256 or EdDSA;
//     no header that brings or points at a key of its own
//   - iss equal to the configured issuer, byte for byte
//   - aud holds the client, and azp is the client where present or where aud
//     names others too
//   - exp ahead; iat and nbf at most 60 s ahead; iat not more than 60 s before the
//     sign-in began, so that a token of an earlier day is never taken
//   - sub present and printable
//
// Groups are taken as they are, whole and case-sensitive, or not at all: a claim
// that is absent, is not a list of strings, or points elsewhere (the "overage" of
// some providers, OpenID Connect Core 1.0 section 5.6.2) yields no groups, and
// Flow.GroupsNote says why. A person without groups is signed in and may do nothing.
//
// # Remembered keys
//
// Keys are JSON in cluster.KV under "key/" + fingerprint, changed by
// compare-and-swap.
package identity
