// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;

/**
 * v1 Pod.
 *
 * @param nodeName where it runs; empty: nowhere yet
 * @param podIps its addresses; those of a finished pod may be another's by now
 * @param ports of all its containers, init containers that keep running included
 * @param serviceAccountName {@code default} where the pod says nothing
 * @param finished whether it has succeeded or failed: it has no network any more
 * @param allowedSources what else it asks to send from, by annotation
 * @param qos its limits and marks, by annotations
 */
public record Pod(
    ObjectMeta meta,
    String nodeName,
    boolean hostNetwork,
    List<IpAddress> podIps,
    List<ContainerPort> ports,
    String serviceAccountName,
    boolean finished,
    List<Cidr> allowedSources,
    QosControls qos)
    implements Resource {
  /** The annotation behind {@link #allowedSources()}: a JSON list of networks. */
  public static final String ALLOWED_SOURCES_ANNOTATION =
      "cni.projectcalico.org/allowedSourcePrefixes";

  /**
   * A port that a container says it listens on.
   *
   * @param name empty: none
   */
  public record ContainerPort(String name, Protocol protocol, int port) {}

  public Pod {
    podIps = List.copyOf(podIps);
    ports = List.copyOf(ports);
    allowedSources = List.copyOf(allowedSources);
  }

  @Override
  public Kind kind() {
    return Kind.POD;
  }
}
