// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopologyTest {
  @TempDir Path folder;

  private Topology read(String... lines) throws IOException {
    Path file = folder.resolve("t.yaml");
    Files.write(file, List.of(lines));
    return Topology.read(file);
  }

  private void assertRefused(String reason, String... lines) {
    assertThatThrownBy(() -> read(lines))
        .isInstanceOf(LabException.class)
        .hasMessageStartingWith(folder.resolve("t.yaml") + ":" + reason)
        .message()
        .hasLineCount(1);
  }

  @Test
  void readsEveryField() throws IOException {
    Topology topology =
        read(
            "nodes:",
            "- {name: node1, labels: {zone: a}, mtu: 9000, rate: 10mbit, dataSize: 64m}",
            "- name: node3",
            "pods:",
            "- {namespace: shop, name: cart, node: node3, labels: {app: cart}, ports: [80]}",
            "- {name: idle, node: node3, server: false, mtu: 1400}",
            "clients: [{name: client, mtu: 1300}, {name: client3, rate: 5mbit}]",
            "links: {mtu: 4000, rate: 1gbit}",
            "overlay: cross-subnet",
            "source: cluster",
            "loadBalancers: [198.51.100.0/24]",
            "settings: {bpfExternalServiceMode: DSR}");
    assertThat(topology.loadBalancers()).containsExactly("198.51.100.0/24");
    assertThat(topology.settings()).containsExactly(Map.entry("bpfExternalServiceMode", "DSR"));
    assertThat(topology.node("node3").number()).isEqualTo(3);
    assertThat(topology.node("node1").labels()).isEqualTo(Map.of("zone", "a"));
    assertThat(topology.mtu(topology.node("node1").mtu())).isEqualTo(9000);
    assertThat(topology.mtu(topology.node("node3").mtu())).isEqualTo(4000);
    Topology.Pod cart = topology.pods().get(0);
    assertThat(cart.id()).isEqualTo("shop/cart");
    assertThat(cart.ports()).containsExactly(80);
    assertThat(Addresses.pod4(topology, cart)).isEqualTo("10.244.3.2");
    assertThat(Addresses.pod6(topology, topology.pods().get(1))).isEqualTo("fd00:244:3::3");
    assertThat(topology.pods().get(1).server()).isFalse();
    assertThat(topology.clients().get(0).mtu()).isEqualTo(1300);
    Topology.Client third = topology.clients().get(1);
    assertThat(Addresses.client4(third)).isEqualTo("192.168.97.2");
    assertThat(Addresses.client6(third)).isEqualTo("fd00:99:3::2");
    assertThat(topology.rate(third.rate())).isEqualTo("5mbit");
    assertThat(topology.rate(topology.node("node3").rate())).isEqualTo("1gbit");
    assertThat(topology.node("node1").dataSize()).isEqualTo("64m");
    assertThat(topology.overlay()).isEqualTo(Topology.Overlay.CROSS_SUBNET);
    assertThat(topology.source()).isEqualTo(Topology.Source.CLUSTER);
  }

  @Test
  void theDefaultHasItsAddressesInOrder() {
    Topology topology = Topology.standard(2);
    assertThat(topology.pods())
        .extracting(p -> p.name() + " " + p.node() + " " + Addresses.pod4(topology, p))
        .containsExactly(
            "client node1 10.244.1.2",
            "web-1 node1 10.244.1.3",
            "web-2 node1 10.244.1.4",
            "web-3 node1 10.244.1.5",
            "client-2 node2 10.244.2.2",
            "web-4 node2 10.244.2.3",
            "web-5 node2 10.244.2.4");
    assertThat(topology.loadBalancers()).containsExactly("203.0.113.0/24", "fd00:203::/112");
  }

  @Test
  void hostSidesAreNamedAsCalicoNamesThem() {
    // printf default.web-1 | sha1sum
    assertThat(Addresses.hostInterface(Topology.standard(1).pods().get(1)))
        .isEqualTo("cali0761ccbeace")
        .hasSizeLessThanOrEqualTo(15);
  }

  @Test
  void survivesItsOwnCopy() throws IOException {
    Topology topology =
        Topology.standard(3)
            .withDataSize("16m")
            .with(Topology.Overlay.VXLAN)
            .withSettings(Map.of("bpfExternalServiceMode", "DSR"))
            .with(Topology.Source.CLUSTER);
    String json = TopologyReader.JSON.writeValueAsString(topology);
    assertThat(TopologyReader.JSON.readValue(json, Topology.class)).isEqualTo(topology);
  }

  @Test
  void saysLineAndFieldOfWhatIsWrong() {
    assertRefused(
        "5: pods[1].node: there is no node node2",
        "nodes:",
        "- name: node1",
        "pods:",
        "- {name: a, node: node1}",
        "- {name: b, node: node2}");
    assertRefused(
        "3: nodes[0].colour: no such field; there are dataSize, labels, mtu, name, rate",
        "nodes:",
        "- name: node1",
        "  colour: red");
    assertRefused("1: nodes[0].name: a node is named node1", "nodes: [{name: alpha}]");
    assertRefused("2: nodes[1].name: there are two", "nodes: [{name: node1},", "{name: node1}]");
    assertRefused("3: nodes[0].mtu: ", "nodes:", "- name: node1", "  mtu: wide");
    assertRefused("2: nodes[0]: mtu must be 1280 to 65535", "nodes:", "- {name: node1, mtu: 100}");
    assertRefused("2: links: mtu must be", "nodes: [{name: node1}]", "links: {mtu: 70000}");
    assertRefused(
        "3: pods[0].ports[1]: not a port: 0",
        "nodes: [{name: node1}]",
        "pods:",
        "- {name: a, node: node1, ports: [1, 0]}");
    assertRefused(
        "4: pods[1].name: pods a-b/c and a/b-c get one name",
        "nodes: [{name: node1}]",
        "pods:",
        "- {namespace: a-b, name: c, node: node1}",
        "- {namespace: a, name: b-c, node: node1}");
    assertRefused("1: nodes: at least one", "pods: []");
    assertRefused(
        "2: clients[0].name: a client is named client, client2",
        "nodes: [{name: node1}]",
        "clients: [{name: client1}]");
    assertRefused(
        "2: clients[1].name: there are two",
        "nodes: [{name: node1}]",
        "clients: [{name: client}, {name: client}]");
    assertRefused("1: nodes[0]: rate must be a number", "nodes: [{name: node1, rate: fast}]");
    assertRefused("1: nodes[0]: dataSize must be", "nodes: [{name: node1, dataSize: 0}]");
    assertRefused(
        "2: loadBalancers[0]: not a network: here",
        "nodes: [{name: node1}]",
        "loadBalancers: [here]");
    assertRefused("2: settings.a=b: not a setting", "nodes: [{name: node1}]", "settings: {a=b: c}");
    assertRefused("2: overlay: ", "nodes: [{name: node1}]", "overlay: ipip");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "nodes: [", "nodes: 3", "- a", "nodes: [{name: node1}]\nnodes: []", "\u0000"})
  void refusesWhatIsNoTopology(String text) {
    assertRefused("", text);
  }

  @Test
  void refusesWhatCannotBeRead() {
    assertThatThrownBy(() -> Topology.read(folder.resolve("none.yaml")))
        .hasMessageEndingWith("none.yaml: no such file");
    assertThatThrownBy(() -> Topology.standard(0)).isInstanceOf(LabException.class);
  }

  @Test
  void knowsItsOwnNamespacesOnly() {
    LabNames names = LabNames.named("sluice");
    assertThat(List.of("sluice-node12", "sluice-router", "sluice-pod-a-b")).allMatch(names::owns);
    assertThat(List.of("sluice-", "sluice-node0", "sluice-nodes", "node1", "sluices-node1"))
        .noneMatch(names::owns);
    assertThat(names.expand("node1")).isEqualTo("sluice-node1");
    assertThat(names.expand("sluice-node1")).isEqualTo("sluice-node1");
    assertThatThrownBy(() -> new LabNames("sluice", Path.of("/run")))
        .isInstanceOf(LabException.class);
  }
}
