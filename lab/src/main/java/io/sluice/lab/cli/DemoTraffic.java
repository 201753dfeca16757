// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.config.cli.Table;
import io.sluice.lab.Lab;
import io.sluice.lab.LabServices;
import io.sluice.lab.Traffic;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What the demo sends, and what came of it. */
final class DemoTraffic {
  private static final int REQUESTS = 30;

  /** Kernels answer six datagrams at once with port unreachable, and then one a second. */
  private static final int REQUESTS_TO_NOBODY = 5;

  private static final int PER_SECOND = 300;
  private static final long TIMEOUT_MILLIS = 3000;

  private final Lab lab;
  private final Table table =
      new Table("FROM", "TO", "SERVICE", "REQUESTS", "ANSWERED", "WHO ANSWERED", "VERDICT");
  private boolean failed;

  DemoTraffic(Lab lab) {
    this.lab = lab;
  }

  /** Sends new flows from a pod to a frontend, and adds a row. */
  void send(String fromNamespace, String fromPod, LabServices.Frontend to) {
    int requests = to.served() ? REQUESTS : REQUESTS_TO_NOBODY;
    try (Traffic traffic =
        lab.traffic(
            "pod-" + fromNamespace + "-" + fromPod,
            Traffic.Spec.newFlows(to.protocol(), to.address(), to.port(), PER_SECOND)
                .count(requests)
                .timeout(TIMEOUT_MILLIS))) {
      Traffic.Report report = traffic.await();
      boolean good = to.served() ? allAnswered(report, to) : allRefused(report);
      failed |= !good;
      List<String> row = new ArrayList<>(List.of(fromNamespace + "/" + fromPod));
      row.add(to.protocol() + " " + to.text());
      row.add(to.service());
      row.add(Long.toString(report.attempts()));
      row.add(Long.toString(report.answers()));
      row.add(report.backends().isEmpty() ? counts(report.failures()) : counts(report.backends()));
      row.add(good ? (to.served() ? "ok" : "ok: refused, for nobody serves it") : "FAILED");
      table.add(row.toArray());
    }
  }

  /** Every request is answered, and only by pods that serve it. */
  private static boolean allAnswered(Traffic.Report report, LabServices.Frontend to) {
    return report.failed() == 0
        && report.answers() == REQUESTS
        && to.pods().containsAll(report.backends().keySet());
  }

  /** Refused at once: neither answered, nor left to wait. */
  private static boolean allRefused(Traffic.Report report) {
    return report.answers() == 0 && report.failures().keySet().equals(Set.of("ECONNREFUSED"));
  }

  private static String counts(Map<String, Traffic.Count> counts) {
    return counts.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(e -> e.getKey() + " " + e.getValue().count())
        .collect(Collectors.joining(", "));
  }

  boolean failed() {
    return failed;
  }

  @Override
  public String toString() {
    return table.toString();
  }
}
