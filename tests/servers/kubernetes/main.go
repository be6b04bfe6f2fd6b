// A real kube-apiserver on 127.0.0.1 with an etcd of its own, in one process, for tests.
//
//	apiserver DIRECTORY PORT [FLAG OF KUBE-APISERVER ...]
//
// Keys, token and data stay in DIRECTORY: started there again at the same port it is the same server. When it
// answers, it prints `ready`. The line `compact` on its standard input makes etcd forget all earlier revisions and is
// answered by `compacted`; the end of the input ends the server, so that none outlives the test that started it.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

const patience = 120 * time.Second

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: %s DIRECTORY PORT [FLAG ...]", os.Args[0]))
	}
	port, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = serve(os.Args[1], port, os.Args[3:])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "apiserver:", err)
	os.Exit(1)
}

func serve(directory string, port int, flags []string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	if err := prepare(directory); err != nil {
		return err
	}
	store, address, err := startEtcd(filepath.Join(directory, "etcd"))
	if err != nil {
		return err
	}
	defer store.Close()
	ended := make(chan error, 1)
	go func() { ended <- runServer(ctx, directory, address, listener, flags) }()
	if err := waitUntilReady(port, ended); err != nil {
		return err
	}
	fmt.Println("ready")
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case err := <-ended:
			return err
		case line, open := <-lines:
			if !open {
				return nil
			}
			if line == "compact" {
				if err := compact(ctx, address); err != nil {
					return err
				}
				fmt.Println("compacted")
			}
		}
	}
}

// runServer runs kube-apiserver as its own program does, but at our listener.
func runServer(ctx context.Context, directory, etcd string, listener net.Listener, more []string) error {
	in := func(name string) string { return filepath.Join(directory, name) }
	run := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range run.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	given := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port),
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + in("server.crt"), "--tls-private-key-file=" + in("server.key"),
		"--service-account-issuer=https://flytail.test",
		"--service-account-key-file=" + in("accounts.key"), "--service-account-signing-key-file=" + in("accounts.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--token-auth-file=" + in("tokens.csv"),
		"--authorization-mode=RBAC",
		// No controller is there to make the account that this plugin wants for each pod.
		"--disable-admission-plugins=ServiceAccount",
		"--shutdown-delay-duration=0s",
	}
	if err := flags.Parse(append(given, more...)); err != nil {
		return err
	}
	run.SecureServing.Listener, run.SecureServing.BindPort = listener, listener.Addr().(*net.TCPAddr).Port
	globals := run.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := globals.Set(); err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(run.Logs, globals.FeatureGateFor(compatibility.DefaultKubeComponent)); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := run.Complete(ctx)
	if err != nil {
		return err
	}
	if problems := completed.Validate(); len(problems) > 0 {
		return fmt.Errorf("%v", problems)
	}
	return app.Run(ctx, completed)
}

func waitUntilReady(port int, ended <-chan error) error {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{
		// It is our own, on the loopback device.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			return fmt.Errorf("it ended at once: %v", err)
		default:
		}
		answer, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/readyz", port))
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("it is not ready after %v", patience)
}

// compact makes etcd forget what was before now. The API server notices by the key that it writes itself when it
// compacts, and forgets its own copies then.
func compact(ctx context.Context, etcd string) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd}, DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer client.Close()
	const key = "compact_rev_key"
	now, err := client.Get(ctx, key)
	if err != nil {
		return err
	}
	revision := now.Header.Revision
	if _, err := client.Put(ctx, key, strconv.FormatInt(revision, 10)); err != nil {
		return err
	}
	_, err = client.Compact(ctx, revision, clientv3.WithCompactPhysical())
	return err
}
