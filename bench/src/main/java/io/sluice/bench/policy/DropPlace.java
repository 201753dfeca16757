// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.policy;

import io.sluice.bench.place.Unnamed;
import io.sluice.config.cli.CommandException;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.dataplane.DataplaneOptions;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteFlags;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.net.Address;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.packet.PacketBuilder;
import io.sluice.kernel.sys.Mounts;
import io.sluice.kernel.sys.Netns;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/**
 * A host with a real dataplane, and a link from a sender to it, in namespaces without names. What
 * outlives a process, which is the mounted bpffs, is taken off also when this one is told to end.
 */
final class DropPlace implements AutoCloseable {
  static final String DEVICE = "here";

  /** What packets are for; the sender's port is the same always: they are one flow. */
  static final int PORT = 7001;

  private static final Ip HOST = Ip.parse("192.168.7.1");
  private static final Ip SENDER = Ip.parse("192.168.7.2");

  /** Nothing is opened, so nothing fills the maps. */
  private static final Map<String, Integer> SMALL =
      Map.of("ct4", 4096, "ct6", 4096, "backends4", 1024, "backends6", 1024);

  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Netns host;
  private final Netns sender;
  private final DataplaneLoader dataplane;
  private final Link here;
  private final Flood flood;

  DropPlace() throws IOException {
    try {
      host = opened(Unnamed.namespace());
      sender = opened(Unnamed.namespace());
      here = link();
      dataplane = load();
      Link there = up(sender, "there", SENDER);
      byte[] packet =
          PacketBuilder.from(SENDER, HOST)
              .macs(there.mac().bytes(), here.mac().bytes())
              .udp(PORT, PORT)
              .payloadLength(18)
              .build();
      flood = opened(new Flood(sender, there.index(), packet));
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T opened(T what) {
    opened.push(what);
    return what;
  }

  private Link link() throws IOException {
    try (Netlink netlink = Netlink.open(host)) {
      netlink.createVeth(DEVICE, 1500, "there", sender);
    }
    Link link = up(host, DEVICE, HOST);
    // Only then a veth takes frames when it has no XDP program of its own; cards' drivers have GRO.
    Process tool = host.run(() -> process("ethtool", "-K", DEVICE, "gro", "on"));
    String said = new String(tool.getInputStream().readAllBytes());
    if (tool.onExit().join().exitValue() != 0) {
      throw new CommandException("ethtool cannot set gro: " + said.strip());
    }
    return link;
  }

  private static Process process(String... command) throws IOException {
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static Link up(Netns namespace, String name, Ip address) {
    try (Netlink netlink = Netlink.open(namespace)) {
      Link link = netlink.link(name).orElseThrow();
      netlink.setUp(link.index(), true);
      netlink.putAddress(Address.of(link.index(), address, 24));
      return link;
    }
  }

  private DataplaneLoader load() throws IOException {
    Path bpffs = Files.createTempDirectory("sluice-bench-");
    Thread atEnd = new Thread(() -> unmount(bpffs));
    Runtime.getRuntime().addShutdownHook(atEnd);
    opened(
        () -> {
          Runtime.getRuntime().removeShutdownHook(atEnd);
          unmount(bpffs);
        });
    Mounts.mountBpffs(bpffs);
    DataplaneOptions options = DataplaneOptions.defaults(bpffs).withMapSizes(SMALL);
    DataplaneLoader loader = opened(host.run(() -> DataplaneLoader.open(options)));
    loader
        .routes(Family.IPV4)
        .put(new RouteKey(Family.IPV4.bits(), HOST), new Route(RouteFlags.ROUTE_LOCAL, 0, Ip.ANY4));
    loader.node().put(0, new NodeState(1, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
    loader.backendGen().put(0, new BackendGen(1));
    return loader;
  }

  private static void unmount(Path bpffs) {
    try {
      Mounts.unmount(bpffs);
      Files.deleteIfExists(bpffs);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Netns host() {
    return host;
  }

  /** Attached to nothing. */
  DataplaneLoader dataplane() {
    return dataplane;
  }

  /** The end of the link where packets are dropped. */
  int ifindex() {
    return here.index();
  }

  Flood flood() {
    return flood;
  }

  @Override
  public void close() {
    RuntimeException failed = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        failed = failed == null ? new IllegalStateException("cannot clean up", e) : failed;
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}
