// SPDX-License-Identifier: Apache-2.0
/** What would become of a packet, by what is in the kernel's maps. */
package io.sluice.agent.explain;
