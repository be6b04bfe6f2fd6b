package main

import (
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd starts an etcd on a free port of 127.0.0.1 and returns its address.
func startEtcd(directory string) (*embed.Etcd, string, error) {
	config := embed.NewConfig()
	config.Dir = directory
	config.LogLevel = "error"
	config.LogOutputs = []string{"stderr"}
	// It need not survive a power failure, only our kills.
	config.UnsafeNoFsync = true
	config.EnableGRPCGateway = false
	// The API server's bookmarks come from these.
	config.WatchProgressNotifyInterval = 5 * time.Second
	// Listeners take any free port. A member's advertised address is only a name here, but one that is kept.
	free, name := url.URL{Scheme: "http", Host: "127.0.0.1:0"}, url.URL{Scheme: "http", Host: "127.0.0.1:2380"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{free}, []url.URL{name}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{free}, []url.URL{name}
	config.InitialCluster = config.Name + "=" + name.String()
	store, err := embed.StartEtcd(config)
	if err != nil {
		return nil, "", fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, "http://" + store.Clients[0].Addr().String(), nil
	case err := <-store.Err():
		return nil, "", fmt.Errorf("etcd: %w", err)
	case <-time.After(patience):
		store.Close()
		return nil, "", fmt.Errorf("etcd is not ready after %v", patience)
	}
}
