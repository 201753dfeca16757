// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static io.sluice.agent.node.Samples.counter;
import static io.sluice.agent.node.Samples.gauge;
import static io.sluice.agent.node.Samples.gaugePoint;

import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.sluice.actors.policy.PolicyFigures;
import io.sluice.actors.policy.PolicyManager;
import java.util.List;

/** Metrics of policy: what is in the kernel, what it took to get there, and what failed. */
final class PolicyMetrics {
  private PolicyMetrics() {}

  static void policy(PolicyManager.Status status, List<MetricSnapshot> all) {
    PolicyFigures now = status.figures();
    all.add(
        gauge(
            "sluice_policy_applied",
            "Whether what the latest view says is in force, but for failures",
            status.applied() ? 1 : 0));
    all.add(
        gauge(
            "sluice_policy_version",
            "The source's view whose policies are in force; see sluice_source_version",
            status.version()));
    all.add(gauge("sluice_policy_programs", "Policy programs in slots", now.programs()));
    all.add(
        gauge(
            "sluice_policy_failing_interfaces",
            "Interfaces whose programs could not be made or loaded",
            status.failures().size()));
    all.add(counter("sluice_policy_loads", "Policy programs loaded", now.loads()));
    all.add(
        counter(
            "sluice_policy_failures",
            "Policy programs that could not be made or loaded",
            now.failures()));
    all.add(
        counter(
            "sluice_policy_generate_seconds",
            "Time that making policy programs has taken",
            now.generateNanos() / 1e9));
    all.add(
        counter(
            "sluice_policy_load_seconds",
            "Time that loading policy programs has taken, the verifier's included",
            now.loadNanos() / 1e9));
    all.add(gauge("sluice_policy_sets", "IP sets in the kernel", now.sets()));
    var members =
        GaugeSnapshot.builder()
            .name("sluice_policy_set_members")
            .help("Members of IP sets in the kernel");
    now.members()
        .forEach(
            (family, n) ->
                members.dataPoint(
                    gaugePoint(Labels.of("family", Integer.toString(family.number())), n)));
    all.add(members.build());
    all.add(gauge("sluice_policy_rules", "Rules whose hits are counted", now.rules()));
  }
}
