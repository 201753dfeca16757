// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.model.HostEndpoint;
import io.sluice.config.model.Kind;
import io.sluice.config.model.NetworkPolicy;
import io.sluice.config.model.Problem;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Tier;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What of policies and endpoints only the whole can show. */
@Tag("INV-CL-3")
class PolicyIndexTest {
  private static final String CALICO = "{apiVersion: projectcalico.org/v3, kind: ";

  private final SnapshotIndex index = new SnapshotIndex();
  private Snapshot view = Snapshot.EMPTY;

  private void put(String yaml) {
    ParsedDocument document =
        new ManifestParser(Limits.DEFAULT)
            .parse("t.yaml", (CALICO + yaml).getBytes(StandardCharsets.UTF_8))
            .get(0);
    index.put(document.resource().orElseThrow(), document.manifest().orElseThrow());
  }

  private void policy(String tier, int order) {
    put(
        "GlobalNetworkPolicy, metadata: {name: p}, spec: {tier: %s, order: %d}}"
            .formatted(tier, order));
  }

  private void tier(String name) {
    put("Tier, metadata: {name: " + name + "}}");
  }

  private void removeTier(String name) {
    index.remove(new ResourceKey(Kind.TIER, "", name));
  }

  private void look() {
    view = index.build(view, true, 1, List.of());
  }

  private List<String> problems() {
    return view.problems().stream().map(Problem::toString).toList();
  }

  private List<NetworkPolicy> policies() {
    return view.all(NetworkPolicy.class);
  }

  @Test
  void aPolicyOfAnUnknownTierWaitsForIt() {
    policy("secure", 1);
    look();
    assertThat(policies()).isEmpty();
    assertThat(problems())
        .containsExactly(
            "t.yaml:1: GlobalNetworkPolicy p: spec.tier: is kept aside: there is no Tier secure");
    assertThat(view.problems().get(0).severity()).isEqualTo(Problem.Severity.ERROR);
    tier("secure");
    look();
    assertThat(policies()).hasSize(1);
    assertThat(problems()).isEmpty();
  }

  @Test
  void tierDefaultIsAlwaysThere() {
    policy("default", 1);
    look();
    assertThat(policies()).hasSize(1);
    assertThat(problems()).isEmpty();
  }

  @Test
  void aPolicyThatIsMovedToAnUnknownTierStaysAsItWas() {
    tier("secure");
    policy("secure", 1);
    look();
    policy("secvre", 2);
    look();
    look();
    assertThat(policies()).extracting(p -> p.order().orElseThrow()).containsExactly(1.0);
    assertThat(problems())
        .containsExactly(
            "t.yaml:1: GlobalNetworkPolicy p: spec.tier: there is no Tier secvre: the policy stays"
                + " as it was");
    removeTier("secure");
    look();
    assertThat(policies()).extracting(NetworkPolicy::tier).containsExactly("secure");
    assertThat(view.all(Tier.class)).hasSize(1);
    tier("secvre");
    look();
    assertThat(policies()).extracting(p -> p.order().orElseThrow()).containsExactly(2.0);
    assertThat(view.all(Tier.class)).extracting(t -> t.meta().name()).containsExactly("secvre");
    assertThat(problems()).isEmpty();
  }

  @Test
  void aTierThatIsDeletedStaysAsLongAsAPolicyIsInIt() {
    tier("secure");
    policy("secure", 1);
    look();
    removeTier("secure");
    look();
    look();
    assertThat(policies()).hasSize(1);
    assertThat(view.all(Tier.class)).hasSize(1);
    assertThat(problems())
        .containsExactly(
            "t.yaml:1: GlobalNetworkPolicy p: spec.tier: there is no Tier secure any more: it stays"
                + " until no policy is in it");
    policy("secure", 2);
    look();
    assertThat(policies()).extracting(p -> p.order().orElseThrow()).containsExactly(2.0);
    index.remove(new ResourceKey(Kind.GLOBAL_NETWORK_POLICY, "", "p"));
    look();
    assertThat(view.resources()).isEmpty();
    assertThat(problems()).isEmpty();
  }

  private void endpoint(String kind, String name, String spec, String created) {
    put(
        "%s, metadata: {name: %s, creationTimestamp: '%s'}, spec: {%s}}"
            .formatted(kind, name, created, spec));
  }

  @Test
  void anInterfaceHasOneHostEndpointTheOlder() {
    String eth0 = "node: n1, interfaceName: eth0";
    endpoint("HostEndpoint", "a", eth0, "2026-01-02T00:00:00Z");
    endpoint("HostEndpoint", "b", eth0, "2026-01-01T00:00:00Z");
    endpoint("HostEndpoint", "c", "node: n2, interfaceName: eth0", "2026-01-03T00:00:00Z");
    endpoint("HostEndpoint", "d", "node: n1, expectedIPs: [10.0.0.1]", "2026-01-03T00:00:00Z");
    endpoint("HostEndpoint", "e", "node: n1, expectedIPs: [10.0.0.2]", "2026-01-03T00:00:00Z");
    look();
    assertThat(view.all(HostEndpoint.class))
        .extracting(e -> e.meta().name())
        .containsExactly("b", "c", "d", "e");
    assertThat(problems())
        .containsExactly(
            "t.yaml:1: HostEndpoint a: interface eth0 of node n1 belongs to HostEndpoint b already");
    endpoint("HostEndpoint", "aa", eth0, "2025-01-01T00:00:00Z");
    look();
    assertThat(view.all(HostEndpoint.class))
        .as("who has it keeps it")
        .extracting(e -> e.meta().name())
        .contains("b")
        .doesNotContain("a", "aa");
    index.remove(new ResourceKey(Kind.HOST_ENDPOINT, "", "b"));
    look();
    assertThat(view.all(HostEndpoint.class)).extracting(e -> e.meta().name()).contains("aa");
  }

  @Test
  void aWorkloadThatIsNamedTwiceIsToldOf() {
    String cali = "node: n1, interfaceName: cali1, ipNetworks: [%s/32]";
    endpoint("WorkloadEndpoint", "a", cali.formatted("10.1.0.1"), "2026-01-01T00:00:00Z");
    endpoint("WorkloadEndpoint", "b", cali.formatted("10.1.0.2"), "2026-01-02T00:00:00Z");
    endpoint("HostEndpoint", "h", "node: n1, interfaceName: cali1", "2026-01-03T00:00:00Z");
    look();
    assertThat(view.all(WorkloadEndpoint.class)).as("its node decides").hasSize(2);
    assertThat(view.all(HostEndpoint.class)).hasSize(1);
    assertThat(problems())
        .containsExactly(
            "t.yaml:1: WorkloadEndpoint default/b: interface cali1 of node n1 belongs to"
                + " WorkloadEndpoint default/a already");
  }
}
