/** The top of the page: the name, the theme and the key. */
import { forgetKey, openKeyDialog, useKey } from "../state/key";
import { setTheme, useTheme } from "../state/theme";
import { Mark, MoonIcon, SunIcon, SystemIcon } from "./icons";
import { Segmented } from "./Segmented";

export function Header() {
  const { key, request } = useKey();
  return (
    <header className="top">
      <h1 className="name">
        <Mark />
        Footfall
      </h1>
      <div className="top-controls">
        {request !== null && (
          <button type="button" className="button primary" onClick={openKeyDialog}>
            Enter key
          </button>
        )}
        {key !== null && (
          <button type="button" className="button" onClick={forgetKey}>
            Forget key
          </button>
        )}
        <Segmented
          label="Theme"
          value={useTheme()}
          onChange={setTheme}
          options={[
            { value: "system", label: "System theme", icon: <SystemIcon /> },
            { value: "light", label: "Light theme", icon: <SunIcon /> },
            { value: "dark", label: "Dark theme", icon: <MoonIcon /> },
          ]}
        />
      </div>
    </header>
  );
}
