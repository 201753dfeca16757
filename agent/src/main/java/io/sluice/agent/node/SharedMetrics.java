// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import static io.sluice.agent.node.Samples.gauge;
import static io.sluice.agent.node.Samples.gaugePoint;

import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.sluice.actors.dsr.OptOutKeeper;
import io.sluice.actors.maglev.MaglevKeeper;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Metrics of what nodes share: which generation this node runs, and how many nodes are behind. */
final class SharedMetrics {
  private SharedMetrics() {}

  static void maglev(MaglevKeeper.Status status, List<MetricSnapshot> all) {
    Map<String, MaglevKeeper.Table> tables = status.tables();
    all.add(
        perTable(
            "sluice_maglev_generation",
            "Generation of a service's Maglev table in this node's kernel; 0: none",
            tables,
            MaglevKeeper.Table::running));
    all.add(
        perTable(
            "sluice_maglev_agreed_generation",
            "Generation that the cluster has agreed on, as this node knows it",
            tables,
            MaglevKeeper.Table::agreed));
    all.add(
        perTable(
            "sluice_maglev_nodes",
            "Nodes that follow a service's Maglev table",
            tables,
            MaglevKeeper.Table::nodes));
    all.add(
        perTable(
            "sluice_maglev_nodes_behind",
            "Nodes that run another generation of it than was agreed on",
            tables,
            MaglevKeeper.Table::behind));
  }

  private static GaugeSnapshot perTable(
      String name,
      String help,
      Map<String, MaglevKeeper.Table> tables,
      ToDoubleFunction<MaglevKeeper.Table> value) {
    var gauge = GaugeSnapshot.builder().name(name).help(help);
    tables.forEach(
        (service, table) ->
            gauge.dataPoint(gaugePoint(Labels.of("service", service), value.applyAsDouble(table))));
    return gauge.build();
  }

  static void dsrOptOut(OptOutKeeper.Status status, List<MetricSnapshot> all) {
    all.add(
        gauge(
            "sluice_dsr_optout_generation",
            "Generation of the networks that opt out of DSR, in this node's kernel; 0: none",
            status.running()));
    all.add(
        gauge(
            "sluice_dsr_optout_agreed_generation",
            "Generation that the cluster has agreed on, as this node knows it",
            status.agreed()));
    all.add(
        gauge(
            "sluice_dsr_optout_nodes_behind",
            "Nodes that run another generation of it than was agreed on",
            status.behind()));
    all.add(gauge("sluice_dsr_optout_networks", "Networks that opt out of DSR", status.networks()));
  }
}
