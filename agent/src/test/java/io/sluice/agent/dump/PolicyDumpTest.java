// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.interfaces.InterfaceHost.Slots;
import io.sluice.actors.interfaces.InterfaceSettings;
import io.sluice.actors.interfaces.Workloads;
import io.sluice.actors.policy.NodePolicy;
import io.sluice.actors.policy.PolicyCalculator;
import io.sluice.actors.policy.PolicyManager.Running;
import io.sluice.actors.policy.PolicySettings;
import io.sluice.agent.dump.PolicyRows.EndpointRow;
import io.sluice.agent.dump.PolicyRows.PolicyRow;
import io.sluice.agent.dump.PolicyRows.RuleRow;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.Settings;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.policy.PolicyGenerator;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PolicyDumpTest {
  private static final String MANIFESTS =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: a, namespace: x, labels: {app: a}}
      spec: {nodeName: node1}
      status: {podIPs: [{ip: 10.0.0.1}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: b, namespace: x, labels: {app: b}}
      spec: {nodeName: node2}
      status: {podIPs: [{ip: 10.0.1.1}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: p, namespace: x}
      spec:
        podSelector: {matchLabels: {app: a}}
        ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 80}]}]
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: default.first}
      spec: {order: 1.5, selector: app == 'b', types: [Egress], egress: [{action: Deny}]}
      """;

  private static final String GENERAL =
      """
      ---
      apiVersion: projectcalico.org/v3
      kind: HostEndpoint
      metadata: {name: all, labels: {host: h}}
      spec: {node: node1, interfaceName: '*'}
      ---
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: default.host}
      spec: {selector: has(host), types: [Ingress], ingress: [{action: Allow, protocol: TCP}]}
      """;

  private final MemoryDataplane dataplane = new MemoryDataplane();
  private final Snapshot snapshot;
  private final Workloads workloads;
  private NodePolicy policy;
  private final String nic = Workloads.conventionalNic("cali", "x", "a");

  PolicyDumpTest() {
    snapshot = snapshot(MANIFESTS);
    workloads =
        Workloads.of(snapshot, "node1", InterfaceSettings.of(Settings.DEFAULTS), Workloads.NONE);
    policy = policy(snapshot, Choices.HostAction.DROP);
    int flags = IfaceFlags.IFACE_WORKLOAD | IfaceFlags.IFACE_READY4;
    dataplane.ifaces().put(7, new Iface(flags, 3, 4, 0, 0, Ip.parse("10.0.0.1"), Ip.ANY6, nic, 0));
  }

  private static Snapshot snapshot(String manifests) {
    TreeMap<ResourceKey, Resource> resources = new TreeMap<>();
    for (ParsedDocument document :
        new ManifestParser(Limits.DEFAULT)
            .parse("test.yaml", manifests.getBytes(StandardCharsets.UTF_8))) {
      Resource resource = document.resource().orElseThrow();
      resources.put(resource.key(), resource);
    }
    return new Snapshot(1, true, resources, Map.of(), Map.of(), List.of(), List.of(), List.of());
  }

  private NodePolicy policy(Snapshot from, Choices.HostAction toHost) {
    PolicySettings defaults = PolicySettings.of(Settings.DEFAULTS);
    return new PolicyCalculator(
            "node1",
            new PolicySettings(true, toHost, defaults.failsafeIn(), defaults.failsafeOut()))
        .update(from, workloads, new TreeMap<>());
  }

  private PolicyDump dump() {
    return new PolicyDump(
        dataplane, new Running(policy, Instant.EPOCH, Map.of(nic, new Slots(3, 4))), snapshot);
  }

  @Test
  void rulesHaveNamesSetsAndHits() {
    long id =
        policy.rules().entrySet().stream()
            .filter(e -> e.getValue().policy().equals("NetworkPolicy x/p"))
            .filter(e -> !e.getValue().isEnd())
            .findFirst()
            .orElseThrow()
            .getKey();
    ((MemoryRuleHits) dataplane.ruleHits()).packets.put(id, 5L);
    List<RuleRow> ingress =
        dump().rules().stream().filter(row -> row.direction().equals("ingress")).toList();
    String set =
        "selector projectcalico.org/orchestrator == \"k8s\" && app == \"b\""
            + " && projectcalico.org/namespace == \"x\"";
    assertThat(ingress.get(0))
        .isEqualTo(
            new RuleRow(
                nic,
                "Pod x/a",
                "ingress",
                "all",
                "default",
                "NetworkPolicy x/p",
                0,
                "allow",
                5,
                "tcp from {" + set + "} to port 80",
                List.of(set + ": 1: 10.0.1.1/32")));
    assertThat(ingress.get(1).action()).isEqualTo("deny");
    assertThat(ingress.get(1).rule()).isEqualTo(-1);
    assertThat(dump().rules())
        .anySatisfy(
            row -> {
              assertThat(row.about()).contains("dst_host");
              assertThat(row.direction()).isEqualTo("egress");
            });
  }

  @Test
  void whatTheHostIsAskedAboutComesBehindThen() {
    policy = policy(snapshot(MANIFESTS + GENERAL), Choices.HostAction.RETURN);
    List<RuleRow> then =
        dump().rules().stream()
            .filter(row -> row.about().startsWith(PolicyRows.THEN + "dst_host"))
            .toList();
    assertThat(then).allSatisfy(row -> assertThat(row.direction()).isEqualTo("egress"));
    assertThat(then)
        .extracting(RuleRow::policy)
        .contains("failsafeInboundHostPorts", "GlobalNetworkPolicy default.host");
    assertThat(then)
        .filteredOn(row -> !row.policy().isEmpty())
        .as("counted")
        .allSatisfy(row -> assertThat(row.hits()).isZero());
  }

  @Test
  void setsHaveTheirMembers() {
    assertThat(dump().sets())
        .singleElement()
        .satisfies(
            row -> {
              assertThat(row.definition()).contains("app == \"b\"");
              assertThat(row.members()).containsExactly("10.0.1.1/32");
              assertThat(row.id()).hasSize(16);
            });
  }

  @Test
  void policiesAreInTheirOrder() {
    assertThat(dump().policies())
        .containsExactly(
            new PolicyRow(
                "GlobalNetworkPolicy default.first",
                "default",
                "1.5",
                List.of("Egress"),
                "app == \"b\"",
                List.of()),
            new PolicyRow(
                "NetworkPolicy x/p",
                "default",
                "1000",
                List.of("Ingress"),
                "projectcalico.org/orchestrator == \"k8s\" && app == \"a\""
                    + " && projectcalico.org/namespace == \"x\"",
                List.of(nic)));
  }

  @Test
  void endpointsHaveTheirPolicies() {
    assertThat(dump().endpoints())
        .containsExactly(
            new EndpointRow(
                nic,
                "Pod x/a",
                List.of("10.0.0.1"),
                List.of("v4"),
                List.of("NetworkPolicy x/p"),
                List.of()));
  }

  @Test
  void programsAreComparedWithTheKernels() {
    String name = PolicyGenerator.generate(policy.byNic().get(nic).out().orElseThrow()).name();
    dataplane.policies.put(SluiceHook.HOOK_OUT, Map.of(4, name));
    assertThat(dump().code(nic))
        .anySatisfy(
            row -> {
              assertThat(row.direction()).isEqualTo("ingress");
              assertThat(row.program()).isEqualTo(name);
              assertThat(row.inForce()).isTrue();
              assertThat(row.code()).contains("exit");
            })
        .anySatisfy(row -> assertThat(row.inForce()).isFalse());
    assertThat(dump().code("none")).isEmpty();
    assertThat(dump().rows("conntrack")).isEmpty();
  }
}
