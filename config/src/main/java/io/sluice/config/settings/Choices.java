// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

/** Values of settings that have a fixed set of them. Any case is accepted, underscores aside. */
public final class Choices {
  private Choices() {}

  /** How programs are attached to interfaces. */
  public enum AttachType {
    TC,
    TCX,
    NETKIT
  }

  /** Whether packets to a local workload skip the host's queue. */
  public enum RedirectToPeer {
    DISABLED,
    ENABLED,
    L2_ONLY
  }

  /** How much the programs say. */
  public enum LogLevel {
    OFF,
    INFO,
    DEBUG
  }

  /** Which connections are balanced when their socket connects. */
  public enum ConnectTime {
    TCP,
    ENABLED,
    DISABLED
  }

  /** On or off. */
  public enum Toggle {
    DISABLED,
    ENABLED
  }

  /** How traffic from outside goes to a backend on another node. */
  public enum ExternalServiceMode {
    TUNNEL,
    DSR
  }

  /** How the source of a packet from a host interface is checked. */
  public enum Rpf {
    DISABLED,
    STRICT,
    LOOSE
  }

  /** Who removes conntrack entries that have expired. */
  public enum ConntrackMode {
    AUTO,
    USERSPACE,
    BPF_PROGRAM
  }

  /** What happens when the conntrack table is full. */
  public enum Scaling {
    DISABLED,
    DOUBLE_IF_FULL
  }

  /** How the kernel hardens its JIT. */
  public enum JitHardening {
    AUTO,
    STRICT
  }

  /** The source address of the host's packets into the overlay. */
  public enum OverlaySource {
    TUNNEL_ADDRESS,
    HOST_ADDRESS
  }

  /** What happens to packets of a workload to its own host. */
  public enum HostAction {
    DROP,
    RETURN,
    ACCEPT
  }

  /** What becomes of a flow that a change of policy denies. */
  public enum EstablishedFlows {
    KEEP,
    END
  }

  /** Whether workloads may ask for other source addresses. */
  public enum Spoofing {
    DISABLED,
    ANY
  }

  /** Which destinations keep the workload's address. */
  public enum NatExclusions {
    IP_POOLS_ONLY,
    IP_POOLS_AND_HOST_IPS
  }
}
