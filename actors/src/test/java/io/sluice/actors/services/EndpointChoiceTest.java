// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.services;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.services.ServiceRulesRig.Stack;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Which endpoints clients get: this node is node1 in zone a. Endpoints are written as "number node
 * condition hints"; the answer is "the cluster's | this node's".
 */
@Tag("INV-SVC-10")
class EndpointChoiceTest {
  private static final String READY = "{}";
  private static final String LEAVING = "{ready: false, serving: true, terminating: true}";
  private static final String LEFT = "{ready: false, serving: false, terminating: true}";
  private static final String UNREADY = "{ready: false, serving: false, terminating: false}";

  private record One(int number, String node, String conditions, String hints) {
    One(int number, String node, String conditions) {
      this(number, node, conditions, "");
    }
  }

  private static ServiceRulesRig rig(Stack stack, String spec, One... endpoints) {
    List<String> texts = new ArrayList<>();
    for (One one : endpoints) {
      texts.add(
          "{addresses: [\"%s%d\"], conditions: %s%s%s}"
              .formatted(
                  stack == Stack.IPV4 ? "10.244.0." : "fd00::",
                  one.number(),
                  one.conditions(),
                  one.node().isEmpty() ? "" : ", nodeName: " + one.node(),
                  one.hints().isEmpty() ? "" : ", hints: {" + one.hints() + "}"));
    }
    return new ServiceRulesRig(stack)
        .spec("ports: [{port: 80}]\n" + spec)
        .slice("IPv" + stack.number, "[{port: 8080}]", texts.toArray(new String[0]));
  }

  /** The same, with the last part of each address alone. */
  private static String windows(ServiceRulesRig rig) {
    return rig.windows()
        .replace("10.244.0.", "")
        .replace("fd00::", "")
        .replace(":8080", "")
        .strip();
  }

  private static String windows(Stack stack, One... endpoints) {
    return windows(rig(stack, "", endpoints));
  }

  private static One one(int number, String node, String conditions) {
    return new One(number, node, conditions);
  }

  private static One zone(int number, String node, String... zones) {
    return new One(number, node, READY, "forZones: " + names(zones));
  }

  private static One node(int number, String node, String... nodes) {
    return new One(number, node, READY, "forNodes: " + names(nodes));
  }

  private static String names(String... names) {
    List<String> items = new ArrayList<>();
    for (String name : names) {
      items.add("{name: " + name + "}");
    }
    return items.toString();
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void readyOnesAndOfThemThisNodes(Stack stack) {
    assertThat(
            windows(
                stack,
                one(3, "node2", READY),
                one(1, "node1", READY),
                one(2, "node2", READY),
                one(4, "node1", UNREADY),
                one(5, "node1", LEAVING),
                one(6, "node2", LEFT)))
        .isEqualTo("1* 2 3 | 1*");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void noneReadyThoseThatStillServe(Stack stack) {
    assertThat(
            windows(
                stack,
                one(1, "node1", LEAVING),
                one(2, "node2", LEAVING),
                one(3, "node1", LEFT),
                one(4, "node2", UNREADY)))
        .isEqualTo("1* 2 | 1*");
  }

  /** The local part falls back by itself: the cluster has ready ones, this node has none. */
  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void thisNodesFallBackIsItsOwn(Stack stack) {
    assertThat(windows(stack, one(1, "node1", LEAVING), one(2, "node2", READY)))
        .isEqualTo("2 | 1*");
    assertThat(windows(stack, one(1, "node1", UNREADY), one(2, "node2", READY))).isEqualTo("2 |");
    assertThat(windows(stack, one(1, "node1", UNREADY))).isEqualTo("|");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void notReadyOnesWhereTheServicePublishesThem(Stack stack) {
    assertThat(
            windows(
                rig(
                    stack,
                    "publishNotReadyAddresses: true\n",
                    one(1, "node1", UNREADY),
                    one(2, "node2", LEFT))))
        .isEqualTo("1* 2 | 1*");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void zonesByHints(Stack stack) {
    One[] hinted = {
      zone(1, "node1", "a"),
      zone(2, "node2", "a", "b"),
      zone(3, "node3", "b"),
      zone(4, "node3", "c")
    };
    assertThat(windows(stack, hinted)).isEqualTo("1* 2 | 1*");
    assertThat(windows(rig(stack, "", hinted).at("node3", "b"))).isEqualTo("2 3* | 3* 4*");
    // Nobody is for this zone, or the node has none: hints do not count.
    assertThat(windows(rig(stack, "", hinted).at("node9", "z"))).isEqualTo("1 2 3 4 |");
    assertThat(windows(rig(stack, "", hinted).at("node9", ""))).isEqualTo("1 2 3 4 |");
  }

  @Test
  void hintsCountOnlyIfAllReadyOnesHaveThem() {
    assertThat(
            windows(
                Stack.IPV4, zone(1, "node1", "a"), zone(2, "node2", "b"), one(3, "node2", READY)))
        .isEqualTo("1* 2 3 | 1*");
    assertThat(
            windows(
                Stack.IPV4, zone(1, "node1", "a"), zone(2, "node2", "b"), one(3, "node2", LEAVING)))
        .isEqualTo("1* | 1*");
  }

  @ParameterizedTest
  @EnumSource(
      value = Stack.class,
      names = {"IPV4", "IPV6"})
  void nodesByHintsAndThenZones(Stack stack) {
    One both1 = new One(1, "node1", READY, "forNodes: [{name: node1}], forZones: [{name: a}]");
    One both2 = new One(2, "node2", READY, "forNodes: [{name: node2}], forZones: [{name: a}]");
    One both3 = new One(3, "node3", READY, "forNodes: [{name: node3}], forZones: [{name: b}]");
    assertThat(windows(stack, both1, both2, both3)).isEqualTo("1* | 1*");
    assertThat(windows(rig(stack, "", both1, both2, both3).at("node9", "a"))).isEqualTo("1 2 |");
    assertThat(windows(stack, node(1, "node1", "node1"), node(2, "node2", "node2")))
        .isEqualTo("1* | 1*");
  }

  /** Falling back to those that terminate is to lose as little as can be: wherever they are. */
  @Test
  void theFallBackHasNoHints() {
    assertThat(
            windows(
                Stack.IPV4,
                new One(1, "node1", LEAVING, "forZones: [{name: a}]"),
                new One(2, "node2", LEAVING, "forZones: [{name: b}]")))
        .isEqualTo("1* 2 | 1*");
  }

  @Test
  void allNodesChooseAlikeByMaglev() {
    ServiceRulesRig rig =
        rig(Stack.IPV4, "", zone(1, "node1", "a"), zone(2, "node2", "b")).maglev();
    assertThat(windows(rig)).isEqualTo("1* 2 | 1*");
    assertThat(rig.notices())
        .containsExactly("topology hints do not count with Maglev: all nodes choose alike");
  }

  @Test
  void aDistributionWithoutHintsIsTold() {
    ServiceRulesRig rig =
        rig(Stack.IPV4, "trafficDistribution: PreferClose\n", one(1, "node1", READY));
    assertThat(rig.notices())
        .containsExactly(
            "trafficDistribution PreferClose works by hints in EndpointSlices, and there are none");
    assertThat(
            rig(Stack.IPV4, "trafficDistribution: PreferSameZone\n", zone(1, "node1", "a"))
                .notices())
        .isEmpty();
  }

  /** One endpoint in two slices is one backend, and it is ready if either says so. */
  @Test
  void severalSlices() {
    ServiceRulesRig rig =
        rig(Stack.IPV4, "", one(1, "node1", UNREADY), one(2, "node2", READY))
            .slice(
                "IPv4",
                "[{port: 8080}]",
                "{addresses: [10.244.0.1], nodeName: node1}",
                "{addresses: [10.244.0.2], conditions: {ready: false}}")
            .slice("IPv4", "[{name: other, port: 9090}]", "{addresses: [10.244.0.3]}")
            .slice("IPv4", "[{port: 8081}]", "{addresses: [10.244.0.1, 10.244.0.9]}");
    assertThat(windows(rig)).isEqualTo("1* 1:8081 2 | 1*");
  }

  /** Whoever writes slices by hand may leave out the node: its own addresses a node knows. */
  @Test
  void anEndpointThatDoesNotNameItsNode() {
    ServiceRulesRig rig = rig(Stack.IPV4, "", one(1, "", READY), one(2, "", READY));
    assertThat(windows(rig)).isEqualTo("1 2 |");
    assertThat(windows(rig.at("node1", "a", "10.244.0.2"))).isEqualTo("1 2* | 2*");
  }

  @Test
  void weightsRepeatBackendsInBothParts() {
    ServiceRulesRig rig =
        rig(Stack.IPV4, "", one(1, "node1", READY), one(2, "node2", READY), one(3, "node1", READY))
            .annotation(
                "sluice.io/weights: '{\"10.244.0.1\": 4, \"10.244.0.2\": 2, \"10.244.0.3\": 6}'");
    assertThat(windows(rig)).isEqualTo("1* 1* 2 3* 3* 3* | 1* 1* 3* 3* 3*");
    assertThat(rig.only().maglev()).isEmpty();
    assertThat(rig.only().backends()).hasSize(3);
    assertThat(rig.notices()).isEmpty();
  }
}
