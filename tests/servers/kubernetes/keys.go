package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The administrator's token. The server can only be reached on the loopback device, for as long as a test runs.
const token = "administrator"

// prepare writes what a server needs for its first start: an authority (`ca.crt`), the server's certificate, the key
// that signs service accounts' tokens, and the administrator's token.
func prepare(directory string) error {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	put := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(directory, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	last := filepath.Join(directory, "tokens.csv")
	if _, err := os.Stat(last); err == nil {
		return nil
	}
	keys := make([]*ecdsa.PrivateKey, 3)
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		keys[i] = key
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flytail tests"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes.default.svc"},
	}
	for _, made := range []struct {
		name        string
		certificate *x509.Certificate
		key         *ecdsa.PrivateKey
	}{{"ca.crt", authority, keys[0]}, {"server.crt", server, keys[1]}} {
		der, err := x509.CreateCertificate(rand.Reader, made.certificate, authority, &made.key.PublicKey, keys[0])
		if err == nil {
			err = put(made.name, "CERTIFICATE", der)
		}
		if err != nil {
			return err
		}
	}
	for i, name := range []string{"", "server.key", "accounts.key"} {
		if name == "" {
			continue // Nothing else is signed by the authority: its key is not kept.
		}
		der, err := x509.MarshalECPrivateKey(keys[i])
		if err == nil {
			err = put(name, "EC PRIVATE KEY", der)
		}
		if err != nil {
			return err
		}
	}
	return os.WriteFile(last, []byte(token+",administrator,administrator,system:masters\n"), 0o600)
}
