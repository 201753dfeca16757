// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.policy;

import static org.awaitility.Awaitility.await;

import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.PinnedDataplane;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.lab.Addresses;
import io.sluice.lab.Topology;
import io.sluice.multinode.harness.Cluster;
import io.sluice.multinode.harness.IpVersion;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A namespace, and its addresses, that one pod after the other has. */
final class Seat {
  private static final int READY = IfaceFlags.IFACE_READY4 | IfaceFlags.IFACE_READY6;

  private Seat() {}

  /** The host side of the link of a pod of that name. */
  static String device(Topology.Pod seat, String name) {
    return Addresses.hostInterface(Topology.Pod.of(name, seat.node(), Map.of()));
  }

  /** A pod of that name in a seat, and its WorkloadEndpoint. */
  static String manifest(Cluster cluster, Topology.Pod seat, String name, String role) {
    return """
        apiVersion: v1
        kind: Pod
        metadata: {name: %1$s, namespace: default, labels: {role: %2$s}}
        spec: {nodeName: %3$s}
        status: {phase: Running, podIP: %4$s, podIPs: [{ip: "%4$s"}, {ip: "%5$s"}]}
        ---
        apiVersion: projectcalico.org/v3
        kind: WorkloadEndpoint
        metadata: {name: %1$s-wep, namespace: default, labels: {role: %2$s}}
        spec:
          node: %3$s
          orchestrator: k8s
          pod: %1$s
          endpoint: eth0
          interfaceName: %6$s
          ipNetworks: [%4$s/32, "%5$s/128"]
        """
        .formatted(
            name,
            role,
            cluster.node(seat.node()).fullName(),
            cluster.address(seat.name(), IpVersion.V4),
            cluster.address(seat.name(), IpVersion.V6),
            device(seat, name));
  }

  static void awaitReady(Cluster cluster, String node, String device) {
    await("ready: " + device)
        .atMost(Cluster.PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> isReady(cluster, node, device));
  }

  /** By the map itself: to ask the agent takes longer than the pod does. */
  private static boolean isReady(Cluster cluster, String node, String device) {
    AtomicBoolean ready = new AtomicBoolean();
    try (Dataplane dataplane =
        PinnedDataplane.open(cluster.lab().names().bpffs(cluster.topology().node(node)))) {
      dataplane
          .ifaces()
          .forEach(
              (index, iface) -> {
                if (iface.name().equals(device) && (iface.flags() & READY) == READY) {
                  ready.set(true);
                }
              });
    }
    return ready.get();
  }
}
