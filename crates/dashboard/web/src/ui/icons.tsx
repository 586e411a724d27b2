/** The few icons there are; all are decoration beside a name. */
import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.200M8 13.300v1.200M1.500 8h1.200M13.300 8h1.200M3.400 3.400l.850.850M11.750 11.750l.850.850M12.600 3.400l-.850.850M4.250 11.750l-.850.850" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.500 9.600A5.900 5.900 0 0 1 6.400 2.500a5.900 5.900 0 1 0 7.100 7.100Z" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon>
    <rect x="1.800" y="2.500" width="12.400" height="8.500" rx="1.500" />
    <path d="M5.500 13.700h5" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m4.500 4.500 7 7M11.500 4.500l-7 7" />
  </Icon>
);

export const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
    <rect className="mark-ground" width="32" height="32" rx="8" />
    <g className="mark-steps">
      <path d="M10.600 11.200c2.500 0 4 2.200 4 5 0 2.600-1.200 3.900-3.500 3.900s-4.300-1.500-4.300-4.400c0-2.700 1.600-4.500 3.800-4.500Z" />
      <path d="M8.300 21.700c1 .500 3.300.700 4.900.300.300 2.400-.500 4.200-2.200 4.200-1.600 0-2.700-1.800-2.700-4.500Z" />
      <path opacity=".72" d="M21.400 5.800c-2.500 0-4 2.200-4 5 0 2.600 1.200 3.900 3.500 3.900s4.300-1.500 4.300-4.400c0-2.700-1.600-4.500-3.800-4.500Z" />
      <path opacity=".72" d="M23.700 16.300c-1 .500-3.300.700-4.900.300-.300 2.400.500 4.200 2.200 4.200 1.600 0 2.700-1.800 2.700-4.500Z" />
    </g>
  </svg>
);
