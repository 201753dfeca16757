// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;

/** This node's copy of the shared resources. */
public final class StoreMetrics implements MultiCollector {
  private final ClusterSource source;

  public StoreMetrics(ClusterSource source) {
    this.source = source;
  }

  @Override
  public MetricSnapshots collect() {
    ClusterSource.Status status = source.status();
    return MetricSnapshots.of(
        gauge("sluice_store_version", "Up to which this node has resources", status.version()),
        gauge("sluice_store_lag", "Changes that this node does not have yet", status.lag()),
        gauge("sluice_store_in_sync", "Whether it has had all once", status.inSync() ? 1 : 0),
        gauge(
            "sluice_store_heard_seconds",
            "How long ago the store was heard last; -1: never",
            status.heardSecondsAgo()),
        gauge("sluice_store_resources", "Resources that this node has", status.resources()),
        gauge("sluice_store_manifest_bytes", "Bytes of their manifests", status.bytes()));
  }

  private static GaugeSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
        .build();
  }
}
