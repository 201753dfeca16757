// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.ProcSysctls;
import io.sluice.actors.host.Sysctls;
import io.sluice.kernel.sys.Netns;
import io.sluice.kernel.testing.TestNetns;
import java.util.concurrent.Callable;

/**
 * A node with an uplink and two pods, as namespaces, without any agent: pods have addresses and
 * default routes as CNI would make them; the host side has nothing.
 */
public final class PodLab implements AutoCloseable {
  /** The host side of the first pod's link. */
  public static final String NIC1 = "cali1";

  /** The host side of the second pod's link. */
  public static final String NIC2 = "cali2";

  private final TestNetns node = TestNetns.create("ifaces-n");
  private final TestNetns pod1 = TestNetns.create("ifaces-p");
  private final TestNetns pod2 = TestNetns.create("ifaces-p");

  public PodLab() {
    node.sh(
        "ip link add eth0 type veth peer name up0; ip link set eth0 up; ip link set up0 up;"
            + " ip addr add 192.168.101.2/24 dev eth0;"
            + " ip addr add fd00:100:1::2/64 dev eth0 nodad");
    plug(NIC1, pod1, 2);
    plug(NIC2, pod2, 3);
  }

  private void plug(String nic, TestNetns pod, int number) {
    node.sh(
        "ip link add "
            + nic
            + " address ee:ee:ee:ee:ee:ee type veth peer name eth0 netns "
            + pod.name()
            + "; ip link set "
            + nic
            + " up");
    pod.sh(
        "ip link set eth0 up; ip addr add 10.244.1.N/32 dev eth0;"
                .replace("N", Integer.toString(number))
            + " ip addr add fd00:244:1::N/128 dev eth0 nodad;"
                .replace("N", Integer.toString(number))
            + " ip route add 169.254.1.1 dev eth0; ip route add default via 169.254.1.1 dev eth0;"
            + " ip -6 route add default via fe80::ecee:eeff:feee:eeee dev eth0");
  }

  /** Makes the second pod's link, which was deleted, anew. */
  public void replugPod2() {
    plug(NIC2, pod2, 3);
  }

  public TestNetns node() {
    return node;
  }

  public TestNetns pod1() {
    return pod1;
  }

  public TestNetns pod2() {
    return pod2;
  }

  /** An interface of the node. */
  public HostNet.Nic nic(HostNet net, String name) {
    return net.nics().stream().filter(n -> n.name().equals(name)).findFirst().orElseThrow();
  }

  /** Settings of the node's namespace, whatever thread asks. */
  public static Sysctls sysctlsOf(Netns netns) {
    Sysctls proc = new ProcSysctls();
    return new Sysctls() {
      @Override
      public java.util.Optional<String> read(String key) {
        return netns.run(() -> proc.read(key));
      }

      @Override
      public void write(String key, String value) {
        Callable<Void> write =
            () -> {
              proc.write(key, value);
              return null;
            };
        netns.run(write);
      }

      @Override
      public java.util.List<String> list(String key) {
        return netns.run(() -> proc.list(key));
      }
    };
  }

  /** Whether one echo request is answered within a second. */
  public static boolean pings(TestNetns from, String address) {
    return from.sh("ping -n -c 1 -W 1 " + address + " >/dev/null 2>&1 && echo yes || echo no")
        .strip()
        .equals("yes");
  }

  @Override
  public void close() {
    pod2.close();
    pod1.close();
    node.close();
  }
}
