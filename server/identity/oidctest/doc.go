// Package oidctest answers: who would like to be whom today?
//
// It runs a real OpenID provider in process, for tests and for the demo: device
// authorization (RFC 8628), discovery, a key set and signed ID tokens with
// groups, on zitadel/oidc.
//
// ANYBODY WHO CAN REACH IT SIGNS IN AS ANYBODY: its page asks for a name and for
// no proof. It must never listen on anything but loopback, where every local
// account can use it still. New refuses other addresses, and the handler refuses
// peers and Host headers that are not its own.
//
// # The page
//
// verification_uri is plain HTML that needs no script. GET returns a form with a
// hidden field csrf and sets a cookie; POST of that field with the cookie,
// user_code and user to the same address approves, and action=deny denies.
// Answers: 200 approved or denied, 400 something is missing or nobody's name, 403
// not from this page, 404 no such code, 409 the code was used, 410 it expired.
// User codes are read without regard to case and dashes (RFC 8628 section 6.1).
// Guesses are not counted, since guessing gains nothing here.
package oidctest
